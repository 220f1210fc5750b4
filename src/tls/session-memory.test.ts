import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeFamily } from '../../testing/certificates.ts';
import { clientEnd, contextPair, serverEnd } from '../../testing/tls-end.ts';
import { sessionCounters } from './session.ts';

const family = makeFamily();

test('sessions are freed exactly once, whatever state they were in', () => {
  const live = sessionCounters.live;
  const contexts = contextPair(family);
  const rss = (): number => process.memoryUsage.rss();
  let before = 0;
  const rounds = 1_500;
  for (let round = 0; round < rounds; round++) {
    if (round === 500) before = rss();
    const [client, server] = [clientEnd(contexts.client), serverEnd(contexts.server)];
    const hello = client.take();
    if (round % 3 > 0) server.feed(hello.subarray(0, round % 3 === 1 ? hello.length : 40));
    if (round % 6 === 1) client.feed(server.take());
    if (round % 6 === 4) client.feed(Buffer.from('no TLS'));
    for (const end of [client, server]) {
      end.free();
      end.session.free();
    }
  }
  assert.equal(sessionCounters.live, live);
  // A session takes some 20 KiB: a leak of one in ten would show.
  assert.ok(rss() - before < 8 * 1024 * 1024, `memory grew by ${rss() - before} bytes`);
});
