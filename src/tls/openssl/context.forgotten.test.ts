import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { makeFamily } from '../../../testing/certificates.ts';
import { clientEnd, contextPair, exchange, serverEnd } from '../../../testing/tls-end.ts';
import { contextCounters } from './context.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const family = makeFamily();

/** Both contexts are forgotten when it returns; the sessions go on. */
function forgetful() {
  const contexts = contextPair(family);
  const ends = { client: clientEnd(contexts.client), server: serverEnd(contexts.server) };
  exchange(ends.client, ends.server);
  return ends;
}

/** In a function of its own: nothing of it stands in a register afterwards. */
function forgetMany(): void {
  for (let count = 0; count < 20; count++) {
    const { client, server } = forgetful();
    client.free();
    server.free();
  }
}

test('contexts that nobody has disposed of are freed with the last one who can use them', async () => {
  const before = contextCounters.live;
  const first = forgetful();
  forgetMany();
  for (let tries = 0; tries < 100 && contextCounters.live > before + 2; tries++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(contextCounters.live, before + 2, 'those of the open session are left');
  first.client.write('still');
  exchange(first.client, first.server);
  assert.equal(first.server.received.toString(), 'still');
  first.client.free();
  first.server.free();
});
