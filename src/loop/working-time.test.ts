import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { countSleep, newCounters } from '../driver/counters.ts';
import { type WorkShare, WorkingTime, workingTimeNumbers, workShareIn } from './working-time.ts';

describe('how much of its time a loop works', () => {
  let now = 0;
  let turns = 0;
  let counters = newCounters();
  let time: WorkingTime;
  beforeEach(() => {
    now = 1_000;
    turns = 0;
    counters = newCounters();
    time = new WorkingTime(counters, { mode: 'test', now: () => now });
  });

  function sleep(ms: number): void {
    countSleep(counters, now, now + ms);
    now += ms;
  }

  /** Turns that sleep and work so long each, for that many milliseconds. */
  function turn(sleepMs: number, workMs: number, forMs: number): void {
    const end = now + forMs;
    while (now < end) {
      sleep(sleepMs);
      now += workMs;
      time.turned(++turns);
    }
  }
  /** Of a clock of its own the origin is 1. */
  const seenIn = (numbers: Float64Array): WorkShare => workShareIn(numbers, now + 1);
  const near = (share: WorkShare, wanted: number): void => {
    assert.ok(Math.abs(share.utilization - wanted) < 0.03, `${share.utilization}, not ${wanted}`);
  };

  test('is told of the last five seconds, and counted since the beginning', () => {
    turn(10, 0, 60_000);
    near(time.read(), 0);
    turn(1, 9, 6_000);
    near(time.read(), 0.9);
    turn(1, 0, 2_500);
    near(time.read(), 0.45);
    assert.deepEqual([time.read().activeMs, time.read().idleMs], [5_400, 63_100]);
  });

  test('of a young loop is that of its life', () => {
    assert.equal(time.read().utilization, 0);
    turn(5, 15, 800);
    near(time.read(), 0.75);
  });

  test('after one long sleep, in one long turn, and behind both', () => {
    turn(2, 8, 3_000);
    sleep(3_600_000);
    near(time.read(), 0);
    now += 4_000;
    time.turned(++turns);
    near(time.read(), 0.8);
    now += 4_000;
    near(time.read(), 1);
    sleep(3_600_000);
    time.turned(++turns);
    near(time.read(), 0);
  });

  test('also with few turns, and many', () => {
    turn(100, 400, 60_000);
    near(time.read(), 0.8);
    turn(0.001, 0.003, 6_000);
    near(time.read(), 0.75);
  });

  test('is right for other threads while the loop sleeps, and while it is held up', () => {
    const seen = new Float64Array(workingTimeNumbers);
    time.share({ workingTime: seen });
    turn(10, 10, 20_000);
    time.mayRest(-1);
    const { activeMs } = seenIn(seen);
    now += 2_500;
    near(seenIn(seen), 0.25);
    now += 3_600_000;
    near(seenIn(seen), 0);
    assert.equal(seenIn(seen).activeMs, activeMs, 'a counter never goes back');
    countSleep(counters, now - 3_602_500, now);
    time.works();
    now += 2_500;
    near(seenIn(seen), 0.5);
    assert.equal(seenIn(seen).activeMs, activeMs + 2_500);
  });

  test('of a loop that sleeps is nothing once five seconds are over, whenever it fell asleep', () => {
    const numbers = new Float64Array(workingTimeNumbers);
    time.share({ workingTime: numbers });
    for (const workedFor of [900, 5_900, 6_450]) {
      turn(5, 15, workedFor);
      time.mayRest(-1);
      for (const waited of [4_000, 2_001, 60_000]) {
        now += waited;
        const { utilization } = seenIn(numbers);
        if (waited === 4_000) assert.ok(utilization > 0.05, `${utilization}`);
        else assert.equal(utilization, 0, `${workedFor}, ${waited}`);
      }
      countSleep(counters, now - 66_001, now);
      time.works();
    }
  });

  test('of a loop that has ended does not grow', () => {
    turn(10, 10, 1_000);
    time.end();
    now += 10_000;
    assert.deepEqual([time.read().activeMs, time.read().idleMs], [500, 10_500]);
  });

  test('of a loop that only sleeps, on a clock that begins with it, is nothing', () => {
    now = 0;
    const asleep = new WorkingTime(newCounters(), {
      mode: 'test',
      now: () => now,
      requestTurn() {},
    });
    asleep.mayRest(-1);
    now = 20_000;
    assert.deepEqual(asleep.read(), { activeMs: 0, idleMs: 20_000, utilization: 0 });
  });

  test('of no loop is nothing', () => {
    const nothing = { activeMs: 0, idleMs: 0, utilization: 0 };
    assert.deepEqual(workShareIn(new Float64Array(workingTimeNumbers), 5_000), nothing);
  });
});
