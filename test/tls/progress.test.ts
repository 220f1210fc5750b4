/** What a program hears of its output while a peer reads slowly. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Conn, EventHandler } from 'gnet';
import { loadEngine } from '../../src/connection/tls/load-engine.ts';
import { waitUntil } from '../support/wait-until.ts';
import { connectTls, startTls } from './tls-rig.ts';

const { engine } = (await loadEngine()).about;
const skip = engine === 'node:tls' && 'there it resolves once nothing rests in its sockets';
test('flushWrite resolves as the kernel takes the bytes, with more behind them', {
  skip,
}, async (t) => {
  const message = Buffer.alloc(10_000, 'x');
  const messages = 2_000; // more than a kernel holds
  let settled = 0;
  let server: Conn | undefined;
  const handler: EventHandler = {
    onOpened(c) {
      server = c;
      // What is written here leaves behind the call.
      for (let count = 0; count < messages; count++) {
        void c.flushWrite(message).then(
          () => settled++,
          () => {},
        );
      }
    },
  };
  const { server: rig } = await startTls(t, handler, { maxOutboundBytes: 2 ** 26 });
  const peer = await connectTls(t, rig.addr);
  peer.pause();
  const taken = (): number => message.length * messages - (server?.outboundBuffered() ?? 0);
  await waitUntil(() => taken() > 1_000_000, 'the kernel has some of it');
  const told = (): number => message.length * (settled + 1);
  // On io_uring a send may be under way, which the kernel has not taken.
  await waitUntil(() => told() >= taken() - 131_072, 'that much is told');
  assert.ok(settled < messages, `${settled} of ${messages} with a peer that does not read`);
  peer.resume();
  await waitUntil(() => settled === messages, 'all of them');
});
