import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConnectionOwner, ScheduledDeadline } from './owner.ts';
import { OpeningLimit } from './opening-limit.ts';

/** A limit of 100 ms of an owner whose clock is set by hand. */
function limited() {
  const seen: string[] = [];
  const clock = { now: 1_000 };
  const owner = {
    currentTime: () => clock.now,
    scheduleDeadline: (_deadline: ScheduledDeadline, ms: number) => void seen.push(`in ${ms}`),
    cancelDeadline: () => void seen.push('off'),
  } as unknown as ConnectionOwner;
  return {
    seen,
    clock,
    limit: new OpeningLimit(owner, 100, () => void seen.push('passed')),
    owner,
  };
}

test('a limit passes when its time is up', () => {
  const { seen, clock, limit } = limited();
  limit.start();
  clock.now += 110;
  limit.deadlinePassed();
  assert.deepEqual(seen, ['in 100', 'passed']);
});

test('a thread that was held up gives the peer as long again', () => {
  const { seen, clock, limit } = limited();
  limit.start();
  clock.now += 5_000;
  limit.deadlinePassed();
  clock.now += 100;
  limit.deadlinePassed();
  assert.deepEqual(seen, ['in 100', 'in 100', 'passed']);
});

test('who waits for a turn of ours is not late', () => {
  const { seen, clock, limit } = limited();
  limit.start();
  limit.inputWaits = true;
  clock.now += 100;
  limit.deadlinePassed();
  limit.inputWaits = false;
  clock.now += 100;
  limit.deadlinePassed();
  assert.deepEqual(seen, ['in 100', 'in 100', 'passed']);
});

test('without a limit nothing is scheduled', () => {
  const { seen, owner } = limited();
  new OpeningLimit(owner, 0, () => {}).start();
  assert.deepEqual(seen, []);
});
