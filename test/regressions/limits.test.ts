/** Time limits that closed what was alive. */
import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Conn } from 'gnet';
import { connect, startRig } from '../support/rig.ts';
import { unlessHeldUp } from '../support/unless-held-up.ts';
import { waitUntil } from '../support/wait-until.ts';

describe('idleTimeout', () => {
  test('a connection that is written to from timers is not idle', async (t) => {
    await unlessHeldUp(50, async () => {
      let connection: Conn | undefined;
      const handler = {
        onOpened(c: Conn): void {
          connection = c;
        },
      };
      const rig = await startRig(t, handler, { idleTimeout: 400 });
      await connect(t, rig);
      await waitUntil(() => connection !== undefined, 'open');
      for (let i = 0; i < 5; i++) {
        await sleep(300);
        assert.deepEqual(rig.events, ['init', 'open']);
        connection?.asyncWrite('x');
      }
      await waitUntil(() => rig.events.length > 2, 'closed at last');
      assert.deepEqual(rig.events, ['init', 'open', 'closed(ErrTimeout)']);
    });
  });

  test('a reader that slowly takes what is pending is not idle', async (t) => {
    await unlessHeldUp(100, async () => {
      const rig = await startRig(
        t,
        { onOpened: (c) => void c.asyncWrite(Buffer.alloc(60_000_000)) },
        { idleTimeout: 500, socketSendBuffer: 65_536, maxOutboundBytes: 100_000_000 },
      );
      const client = await connect(t, rig);
      for (let piece = 0; piece < 15; piece++) {
        client.socket.pause();
        await sleep(100);
        client.socket.resume();
        await sleep(2);
      }
      assert.deepEqual(rig.events, ['init', 'open']);
    });
  });
});
