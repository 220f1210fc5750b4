/** `c.reset()`: an end that the peer cannot take for a complete answer. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Conn, EventHandler } from 'gnet';
import { nodeMajor } from '../support/driver.ts';
import { assertNoNewDescriptors, openDescriptors } from '../support/descriptors.ts';
import { connect, pair, startRig } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';

describe('reset', () => {
  test('the peer sees a reset, and onClosed comes after react, without an error', async (t) => {
    const log: string[] = [];
    const handler: EventHandler = {
      react(_frame, c) {
        c.context = 'mine';
        c.asyncWrite('half an answer');
        c.reset();
        c.reset();
        c.close();
        log.push(`${c.asyncWrite('too late')} ${String(c.context)}`);
        return 'too late as well';
      },
      onClosed: (c, error) => void log.push(`closed ${String(error)} ${String(c.context)}`),
    };
    const rig = await startRig(t, handler);
    // The first one brings up what the runtime starts only when it is needed, such as threads.
    const first = await connect(t, rig);
    first.write('x');
    await first.untilClosed();
    await waitUntil(() => log.length === 2, 'the end of the first');
    log.length = 0;
    const before = openDescriptors();
    const client = await connect(t, rig);
    client.write('x');
    await client.untilClosed();
    assert.equal(client.broken, 'ECONNRESET');
    assert.equal(client.receivedBytes, 0);
    assert.deepEqual(log, ['false mine', 'closed undefined mine']);
    assert.deepEqual(rig.reports, []);
    await assertNoNewDescriptors(before);
  });

  const tells = { skip: nodeMajor < 24 && 'clients of this Node take it for an end after a pause' };
  test('cuts a close short that waits for a slow reader', tells, async (t) => {
    const { rig, c, client } = await pair(t);
    client.pauseReading();
    c.asyncWrite(Buffer.alloc(16_777_216));
    c.close();
    await waitUntil(() => c.outboundBuffered() > 0, 'pending bytes');
    c.reset();
    await waitUntil(() => rig.events.includes('closed'), 'closed');
    client.resumeReading();
    // The sockets of Node 22 say "end" for a reset that came while they were paused.
    await waitUntil(() => client.closed || client.ended, 'the peer hears of it');
    assert.ok(client.receivedBytes < 16_777_216);
  });

  test('from onOpened, and of a connection that is closed', async (t) => {
    let opened: Conn | undefined;
    const rig = await startRig(t, {
      onOpened(c) {
        opened = c;
        c.reset();
      },
    });
    const client = await connect(t, rig);
    await client.untilClosed();
    await waitUntil(() => rig.events.includes('closed'), 'closed');
    opened?.reset();
    assert.deepEqual(rig.events, ['init', 'open', 'closed']);
  });
});
