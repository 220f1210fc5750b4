import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { DeadlineLinks } from '../connection/deadline-links.ts';
import type { ScheduledDeadline } from '../connection/owner.ts';
import { Random } from 'gnet/testing';
import { DeadlineWheel } from './deadline-wheel.ts';

class Timed extends DeadlineLinks implements ScheduledDeadline {
  due = 0;
  /** The time of the wheel at each call. */
  readonly calls: number[] = [];

  deadlinePassed(now: number): void {
    this.calls.push(now);
  }
}

/** Lets time pass as a loop does: asleep until something may be due. Returns how often it woke. */
function sleepThrough(wheel: DeadlineWheel, from: number, until: number): number {
  let now = from;
  let wakes = 0;
  while (now < until) {
    const ms = wheel.timeUntilNext(now);
    if (ms === -1) return wakes;
    now += Math.max(1, Math.ceil(ms));
    wakes++;
    wheel.advance(now);
  }
  return wakes;
}

describe('the deadline wheel', () => {
  test('is never early; near deadlines are 8 ms late at most, others half a second', () => {
    const random = new Random(5);
    const wheel = new DeadlineWheel();
    const all: Timed[] = [];
    const start = 1_234_567;
    for (let count = 0; count < 2_000; count++) {
      const one = new Timed();
      const delay = 1 + random.below(count % 2 === 0 ? 4_000 : 500_000);
      one.due = start + delay;
      all.push(one);
      wheel.schedule(one, start, delay);
    }
    sleepThrough(wheel, start, start + 600_000);
    for (const { calls, due } of all) {
      assert.equal(calls.length, 1);
      const late = (calls[0] ?? 0) - due;
      assert.ok(late >= 0, `${late} ms late`);
      assert.ok(late <= (due - start < 4_000 ? 9 : 513), `${late} ms late`);
    }
    assert.equal(wheel.count, 0);
  });

  test('thousands with limits of minutes wake the thread twice a second at most', () => {
    const random = new Random(6);
    const wheel = new DeadlineWheel();
    for (let count = 0; count < 4_000; count++) {
      wheel.schedule(new Timed(), random.below(60_000), 300_000);
    }
    assert.equal(sleepThrough(wheel, 60_000, 280_000) <= 1, true, 'asleep until the first');
    const wakes = sleepThrough(wheel, 300_000, 360_000);
    assert.ok(wakes <= 122, `${wakes} wakes in a minute`);
  });

  test('what is further away than the wheel reaches is not early either', () => {
    for (const isExact of [false, true]) {
      const wheel = new DeadlineWheel(isExact);
      const one = new Timed();
      wheel.schedule(one, 0, 3_600_000);
      sleepThrough(wheel, 0, 3_601_000);
      const late = (one.calls[0] ?? 0) - 3_600_000;
      assert.ok(late >= 0 && late <= (isExact ? 0 : 513), `${late} ms late`);
      assert.equal(one.calls.length, 1);
    }
  });

  test('one that was cancelled, also by another of its bucket, is not called', () => {
    const wheel = new DeadlineWheel();
    const [first, second] = [new Timed(), new Timed()];
    first.deadlinePassed = () => wheel.cancel(second);
    second.deadlinePassed = () => wheel.cancel(first);
    let calls = 0;
    for (const one of [first, second]) {
      const passed = one.deadlinePassed.bind(one);
      one.deadlinePassed = (now) => {
        calls++;
        passed(now);
      };
      wheel.schedule(one, 0, 10_000);
    }
    wheel.advance(20_000);
    assert.equal(calls, 1);
    assert.equal(wheel.count, 0);
    wheel.schedule(first, 20_000, 50);
    wheel.cancel(first);
    assert.equal(wheel.advance(30_000), false);
    assert.equal(wheel.timeUntilNext(30_000), -1);
  });

  test('one that is scheduled from inside its own call comes again', () => {
    const wheel = new DeadlineWheel();
    const one = new Timed();
    let left = 50;
    let last = 0;
    one.deadlinePassed = (now) => {
      assert.ok(now >= last + 100, 'not early');
      last = now;
      if (--left > 0) wheel.schedule(one, now, left % 2 === 0 ? 100 : 5_000);
    };
    wheel.schedule(one, 0, 100);
    sleepThrough(wheel, 0, 300_000);
    assert.equal(left, 0);
  });
});
