import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, mock, test } from 'node:test';
import { newCounters } from '../counters.ts';
import { MemoryRest } from './memory-rest.ts';

describe('a rest for lack of memory', () => {
  let now = 0;
  let wakes = 0;
  let counters = newCounters();
  let rest: MemoryRest;
  const pass = (ms: number): void => {
    now += ms;
    mock.timers.tick(ms);
  };

  beforeEach(() => {
    now = 1_000;
    wakes = 0;
    mock.timers.enable({ apis: ['setTimeout'] });
    mock.method(performance, 'now', () => now);
    counters = newCounters();
    rest = new MemoryRest(counters, () => void wakes++);
  });
  afterEach(() => {
    rest.close();
    mock.restoreAll();
    mock.timers.reset();
  });

  /** How long it rests: the clock moves to its end. */
  const restOf = (again: () => void = () => {}): number => {
    rest.later(again);
    const began = now;
    while (!rest.over) pass(1);
    rest.run();
    return now - began;
  };

  test('wakes once, and runs what was put off once, in order', () => {
    const done: number[] = [];
    for (const number of [1, 2, 3]) rest.later(() => void done.push(number));
    pass(9);
    assert.equal(rest.over, false);
    pass(1);
    assert.deepEqual([rest.over, wakes, done], [true, 1, []]);
    rest.run();
    assert.deepEqual([rest.over, wakes, done], [false, 1, [1, 2, 3]]);
  });

  test('is longer each time while the lack lasts, up to a second', () => {
    const rests = Array.from({ length: 9 }, () => restOf());
    assert.deepEqual(rests, [10, 20, 40, 80, 160, 320, 640, 1_000, 1_000]);
  });

  test('is short again after a time without lack', () => {
    restOf();
    restOf();
    assert.equal(restOf(), 40);
    pass(40);
    assert.equal(restOf(), 10);
  });

  test('is short as long as some bytes move', () => {
    for (let round = 0; round < 5; round++) {
      assert.equal(restOf(), 10);
      counters.bytesReceived++;
    }
  });

  test('of many a hundred have their turn, then others', () => {
    const done: number[] = [];
    for (let number = 0; number < 250; number++) rest.later(() => void done.push(number));
    const counts: number[] = [];
    while (done.length < 250) {
      while (!rest.over) pass(1);
      rest.run();
      counts.push(done.length);
    }
    assert.deepEqual(counts, [100, 200, 250]);
    assert.deepEqual(done.slice(0, 3), [0, 1, 2]);
    assert.equal(rest.over, false);
  });

  test('what is put off again while it runs waits for the next one', () => {
    let runs = 0;
    const again = (): void => {
      if (++runs < 3) rest.later(again);
    };
    restOf(again);
    assert.deepEqual([runs, rest.over], [1, false]);
    pass(20);
    rest.run();
    assert.equal(runs, 2);
  });

  test('the clock tells where no timer fires', () => {
    rest.later(() => {});
    now += 10;
    assert.deepEqual([rest.over, wakes], [true, 0]);
  });

  test('nothing is tried again after its end', () => {
    rest.later(() => assert.fail('it is closed'));
    rest.close();
    pass(1_000);
    assert.deepEqual([rest.over, wakes], [false, 0]);
    rest.run();
  });
});
