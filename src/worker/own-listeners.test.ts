/** What loops of other threads listen on, as long as they live. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GivenSocket } from '../driver/contract.ts';
import { control, loopState } from '../mailbox/loop-memory.ts';
import { OwnListeners } from './own-listeners.ts';
import { RemoteLoop } from './remote-loop.ts';

const socket = (descriptor: number): GivenSocket => ({ descriptor }) as GivenSocket;

function listening(index: number, descriptor: number): RemoteLoop {
  const loop = new RemoteLoop(index, 1);
  loop.socketsOf = [0];
  const sockets = [socket(descriptor)];
  const where = { server: 1, addresses: ['127.0.0.1:1'], listenerDescriptor: descriptor, sockets };
  loop.message({ type: 'listening', ...where });
  loop.message({ type: 'started', server: 1 });
  return loop;
}

function given(own: OwnListeners): number[] {
  const lists: GivenSocket[][] = [[]];
  own.addSockets(lists);
  return lists.flat().map(({ descriptor }) => descriptor);
}

test('a loop that has closed itself or is dead gives no socket away', () => {
  const loops = [listening(0, 50), listening(1, 51), listening(2, 52)];
  const own = new OwnListeners(1, loops, true, null);
  assert.deepEqual([given(own), own.descriptor], [[50, 51, 52], 50]);
  const [first, , third] = loops as [RemoteLoop, RemoteLoop, RemoteLoop];
  Atomics.store(first.memory.words, control.state, loopState.closed);
  assert.deepEqual([given(own), own.descriptor], [[51, 52], 51]);
  for (const goesOn of [true, false]) first.die(new Error('dead'), goesOn);
  third.die(new Error('dead'), true);
  assert.deepEqual([given(own), own.descriptor], [[51], 51]);
});

test('a loop that is replaced is waited for', async () => {
  const loops = [listening(0, 50), listening(1, 51)];
  const own = new OwnListeners(1, loops, true, null);
  await own.whole();
  const [, second] = loops as [RemoteLoop, RemoteLoop];
  second.die(new Error('dead'), true);
  const order: string[] = [];
  const whole = own.whole().then(() => order.push('whole'));
  await new Promise((resolve) => setImmediate(resolve));
  order.push('started');
  second.message({ type: 'started', server: 1 });
  await whole;
  assert.deepEqual(order, ['started', 'whole']);
});
