import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SyscallError } from '../base/errors.ts';
import type { Backend } from '../driver/backend.ts';
import type { Driver } from '../driver/contract.ts';
import { LoopMemory } from '../mailbox/loop-memory.ts';
import { MailboxReader } from '../mailbox/reader.ts';
import { recordStatus } from '../mailbox/record.ts';
import { AcceptorLoop, type AcceptorSettings } from './acceptor-loop.ts';

const noMemory = (): SyscallError =>
  new SyscallError('ENOMEM', 'cannot accept: out of memory', { syscall: 'epoll_ctl', errno: 12 });

/** An acceptor over a driver that only counts, and refuses to start listeners when told. */
async function acceptor() {
  const calls: string[] = [];
  const deaths: unknown[] = [];
  const state = { refuses: false, isFull: false };
  const driver = {
    listen: () => {},
    listenerAddress: () => '127.0.0.1:1',
    startAccepting(listener: number) {
      calls.push(`start ${listener}`);
      if (state.refuses) throw noMemory();
    },
    drainBacklog(listener: number) {
      calls.push(`drain ${listener}`);
      if (state.isFull) loop.acceptRested(listener, noMemory(), 0);
    },
    closeListener: (listener: number) => void calls.push(`close listener ${listener}`),
    pauseAccepting: () => {},
    closeDescriptor: (descriptor: number) => void calls.push(`close ${descriptor}`),
    close: () => void calls.push('close'),
  };
  const backend = {
    name: 'epoll',
    host: { mode: 'test', attach: () => {}, detach: () => {} },
    create: () => driver as unknown as Driver,
  } as unknown as Backend;
  const loop: AcceptorLoop = new AcceptorLoop({
    backend,
    balancer: { pick: () => 0 },
    logger: { warn: () => {} },
    socket: {},
    maxConnections: Infinity,
    died: (error: unknown) => void deaths.push(error),
  } as unknown as AcceptorSettings);
  await loop.listen({ kind: 'tcp', family: 4, v6Only: false, host: '127.0.0.1', port: 0 });
  loop.start();
  return { loop, calls, deaths, state };
}

describe('the acceptor', () => {
  test('a rested listener that the poller has no memory for rests again', async () => {
    const { loop, calls, deaths, state } = await acceptor();
    state.refuses = true;
    loop.acceptRested(0, noMemory(), 0);
    assert.equal(loop.runDue(), true);
    assert.deepEqual(deaths, []);
    assert.deepEqual(calls, ['start 0', 'start 0']);
    assert.ok(loop.timeUntilDeadline() > 0, 'it tries again later');
    assert.equal(loop.acceptRests, 2);
  });

  test('so does one that is started when a loop comes back', async () => {
    const { loop, deaths, state } = await acceptor();
    state.refuses = true;
    loop.loopRuns(0, LoopMemory.create());
    assert.deepEqual(deaths, []);
    assert.ok(loop.timeUntilDeadline() > 0, 'it tries again later');
  });

  test('a listener that finds no descriptor while it is given up is not started again', async () => {
    const { loop, calls, state } = await acceptor();
    state.isFull = true;
    await loop.unlisten(0);
    assert.equal(loop.runDue(), false);
    assert.deepEqual(calls, ['start 0', 'drain 0', 'close listener 0']);
  });

  test('closed, as after it died, it asks nothing of its listeners', async () => {
    const { loop, calls } = await acceptor();
    loop.acceptRested(0, noMemory(), 0);
    loop.close();
    loop.loopRuns(0, LoopMemory.create());
    loop.runDue();
    loop.stopAccepting(false);
    assert.deepEqual(calls, ['start 0', 'close']);
  });

  for (const taken of [true, false]) {
    const whose = taken ? 'is left to who closes what that had' : 'goes to another loop';
    test(`a connection that a dying loop has ${taken ? '' : 'not '}taken ${whose}`, async () => {
      const { loop, calls } = await acceptor();
      const dying = LoopMemory.create();
      loop.loopRuns(0, dying);
      loop.accepted(0, 77);
      // The thread dies while it takes the connection: before it has written it down, or after.
      if (taken) dying.opened(77);
      dying.markDead();
      const adopted: number[] = [];
      const other = LoopMemory.create();
      loop.loopDied(0);
      loop.loopRuns(0, other);
      new MailboxReader(other, {
        accept: (descriptor) => void adopted.push(descriptor),
        write: () => recordStatus.taken,
        room: () => recordStatus.taken,
        setContext: () => recordStatus.taken,
        tellContext: () => recordStatus.taken,
        lanesExhausted: () => {},
        wake: () => {},
        close: () => {},
      }).drain();
      assert.deepEqual(adopted, taken ? [] : [77]);
      assert.deepEqual(calls.includes('close 77'), false);
      loop.close();
    });
  }
});
