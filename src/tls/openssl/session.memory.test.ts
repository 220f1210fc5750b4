import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeFamily } from '../../../testing/certificates.ts';
import { clientEnd, contextPair, serverEnd } from '../../../testing/tls-end.ts';
import { sessionCounters } from './session.ts';

const family = makeFamily();
/** A session takes some 20 KiB: of a leak of one in ten, each window would grow by two MiB. */
const roundsPerWindow = 500;
const windows = 5;
const grownMax = 1_048_576;

test('sessions are freed exactly once, whatever state they were in', () => {
  const live = sessionCounters.live;
  const contexts = contextPair(family);
  const oneRound = (round: number): void => {
    const [client, server] = [clientEnd(contexts.client), serverEnd(contexts.server)];
    const hello = client.take();
    if (round % 3 > 0) server.feed(hello.subarray(0, round % 3 === 1 ? hello.length : 40));
    if (round % 6 === 1) client.feed(server.take());
    if (round % 6 === 4) client.feed(Buffer.from('no TLS'));
    for (const end of [client, server]) {
      end.free();
      end.session.free();
    }
  };
  const growths: number[] = [];
  for (let window = 0; window < windows; window++) {
    const before = process.memoryUsage.rss();
    for (let round = 0; round < roundsPerWindow; round++) oneRound(round);
    growths.push(process.memoryUsage.rss() - before);
  }
  assert.equal(sessionCounters.live, live);
  // The collector takes and gives back as it likes; a leak grows in every window.
  assert.ok(Math.min(...growths) < grownMax, `memory grew by ${growths.join(', ')} bytes`);
});
