/** Peers that reset: behind their own end, while reading rests, while output is stuck. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Conn } from 'gnet';
import { assertNoNewDescriptors, openDescriptors } from '../support/descriptors.ts';
import { connect, pair, startRig } from '../support/rig.ts';
import { settle, waitUntil } from '../support/wait-until.ts';

describe('resets of peers', () => {
  test('a reset behind a half-close closes the connection, which nobody writes to', async (t) => {
    let ended = false;
    const onEnd = (): void => {
      ended = true;
    };
    const rig = await startRig(t, { onEnd }, { allowHalfOpen: true });
    const before = openDescriptors();
    const client = await connect(t, rig);
    client.write('x');
    client.end();
    await waitUntil(() => ended, 'onEnd');
    await settle(); // its end is on its way; without one there would be no reset behind it
    client.reset();
    await waitUntil(() => rig.closeErrors.length === 1, 'onClosed');
    assert.deepEqual(rig.events.slice(1), ['open', 'closed(ECONNRESET)']);
    await assertNoNewDescriptors(before);
  });

  test('while reading is paused, a write finds it and flushWrite settles', async (t) => {
    const { rig, c, client } = await pair(t);
    c.pauseRead();
    client.write('a request');
    await new Promise((resolve) => setTimeout(resolve, 50));
    client.reset();
    await waitUntil(() => {
      c.asyncWrite('push\n');
      return rig.closeErrors.length > 0;
    }, 'onClosed');
    assert.equal(c.asyncWrite('too late'), false);
    await assert.rejects(c.flushWrite('x'), { code: 'ErrConnClosed' });
  });

  test('while output is stuck, connections and their memory go', async (t) => {
    const rig = await startRig(
      t,
      { react: (frame) => frame },
      { highWaterMark: 65_536, lowWaterMark: 16_384, maxConnections: 4 },
    );
    const clients = [];
    for (let count = 0; count < 4; count++) {
      const client = await connect(t, rig);
      client.pauseReading();
      client.write(Buffer.alloc(16 * 1024 * 1024));
      clients.push(client);
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
    for (const client of clients) client.reset();
    await waitUntil(() => rig.closeErrors.length === 4, 'all are closed');
    // There is room for others.
    const next = await connect(t, rig);
    next.write('hello');
    assert.equal((await next.readExactly(5)).toString(), 'hello');
  });

  test('what arrived before it, while reading was paused, is handled first', async (t) => {
    let conn: Conn | undefined;
    let text = '';
    const rig = await startRig(t, {
      onOpened(c) {
        conn = c;
        c.pauseRead();
      },
      react(frame) {
        text += String(frame);
      },
    });
    const client = await connect(t, rig);
    for (const words of ['last', ' words']) {
      client.write(words);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    client.reset();
    await new Promise((resolve) => setTimeout(resolve, 50));
    conn?.resumeRead();
    await waitUntil(() => rig.closeErrors.length === 1, 'onClosed');
    assert.equal(text, 'last words');
    assert.equal(rig.events.at(-1), 'closed(ECONNRESET)');
  });
});
