import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { lookBeforeSleeping, timeLeft } from './busy-poll.ts';

/** A look that finds something at the given one, and how many there were. */
function looking(foundAt: number): { look: () => number; readonly looks: number } {
  let looks = 0;
  return {
    look: () => (++looks < foundAt ? 0 : 3),
    get looks() {
      return looks;
    },
  };
}

describe('lookBeforeSleeping', () => {
  test('ends with the look that finds something, and says what it found', () => {
    for (const timeoutMs of [-1, 1_000_000]) {
      const given = looking(4);
      assert.equal(lookBeforeSleeping(1_000_000, timeoutMs, given.look), 3);
      assert.equal(given.looks, 4);
    }
  });

  test('finds nothing when the time is over, which the timeout limits, too', (t) => {
    let clock = 0;
    t.mock.method(performance, 'now', () => {
      clock += 0.25;
      return clock;
    });
    for (const [busyMs, timeoutMs] of [
      [1, -1],
      [1, 1_000_000],
      [1_000_000, 1],
    ] as const) {
      const given = looking(Infinity);
      assert.equal(lookBeforeSleeping(busyMs, timeoutMs, given.look), 0);
      assert.equal(given.looks, 4);
    }
  });

  test('looks once when there is no time', () => {
    const given = looking(Infinity);
    assert.equal(lookBeforeSleeping(1_000_000, 0, given.look), 0);
    assert.equal(given.looks, 1);
  });
});

test('timeLeft: whole milliseconds, none below 0, and no limit stays none', () => {
  assert.equal(timeLeft(-1, 500), -1);
  assert.equal(timeLeft(10, 0), 10);
  assert.equal(timeLeft(10, 0.05), 10);
  assert.equal(timeLeft(10, 9.5), 1);
  assert.equal(timeLeft(10, 10.5), 0);
});
