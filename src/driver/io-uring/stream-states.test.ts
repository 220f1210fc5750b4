import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  anyReceive,
  cancel,
  checkCombination,
  connect,
  describeStates,
  failure,
  hangupPoll,
  life,
  mark,
  peerEnd,
  receive,
  send,
} from './stream-states.ts';

const { wanted, congested, aborted, swept } = mark;

describe('states of a stream over the ring', () => {
  const legal: readonly (readonly [string, number])[] = [
    ['open and idle', wanted | receive.inFlight],
    ['paused, while the cancellation of its receive is on its way', receive.stopping],
    ['waiting for room with a slab', wanted | receive.inFlight | send.held | congested],
    ['being connected', wanted | connect.inFlight],
    ['refused', wanted | connect.failed | failure.next],
    ['half closed by its peer', peerEnd.reported | hangupPoll.inFlight],
    ['closing, with its last bytes on the way', life.closing | send.inFlight],
    ['given up', life.closing | aborted | swept | cancel.inFlight | receive.stopping],
  ];
  for (const [name, states] of legal) {
    test(`may be: ${name}`, () => checkCombination(states));
  }

  const illegal: readonly (readonly [string, number, RegExp])[] = [
    ['an open one is cancelled', wanted | cancel.inFlight, /only a closed stream .* cancel\.inFl/],
    ['an open one is to be reset', wanted | aborted, /only a closed stream/],
    ['it waits for room, and sends through the ring', send.full, /what waits for room/],
    ['it receives before it is connected', connect.inFlight | receive.inFlight, /carries nothing/],
    ['it was refused, and is not broken', connect.failed, /a connection that was refused/],
    ['it receives behind the end', peerEnd.received | receive.inFlight, /behind the end/],
    ['its hang-up is polled before the end', hangupPoll.due, /until the end was reported/],
  ];
  for (const [name, states, message] of illegal) {
    test(`must not be: ${name}`, () => assert.throws(() => checkCombination(states), message));
  }

  test('no two states share a bit', () => {
    assert.equal(anyReceive, receive.inFlight | receive.stopping | receive.starved);
    const words = describeStates(0x7fffffff).split(' ');
    assert.equal(words.length, 31);
    assert.equal(new Set(words).size, 31);
  });
});

describe('transitions of a stream over the ring', () => {
  test('one that no arrow allows names where the stream was', async () => {
    const { Stream } = await import('./stream.ts');
    const { receiveEnded, receiveStarted, receiveStarved } = await import(
      './stream-transitions.ts'
    );
    const stream = new Stream(1, 1, -1, wanted);
    assert.throws(() => receiveEnded(stream), /not from mark\.wanted/);
    receiveStarted(stream);
    assert.throws(() => receiveStarted(stream), /from none .*receive\.inFlight/);
    receiveEnded(stream);
    receiveStarved(stream);
    assert.equal(describeStates(stream.states), 'receive.starved mark.wanted');
  });
});
