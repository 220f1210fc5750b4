/** What is told of things that are held for too long, on a clock of the test. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Conn } from './conn.ts';
import { LeakWatch } from './leak-watch.ts';
import type { MovingConn } from './leaks.ts';
import type { ScheduledDeadline } from './owner.ts';

interface Warning {
  readonly kind: string;
  readonly heldMs: number;
  readonly count?: number;
  readonly stack?: string;
}

/** A watch that tells after 100 ms, and `advance`, which lets time pass. */
function start(every = 1) {
  const warnings: Warning[] = [];
  let now = 0;
  let due: { at: number; deadline: ScheduledDeadline } | null = null;
  const clock = {
    currentTime: () => now,
    scheduleDeadline(deadline: ScheduledDeadline, delayMs: number): void {
      assert.equal(due, null, 'it waits once');
      due = { at: now + delayMs, deadline };
    },
    cancelDeadline(): void {
      due = null;
    },
  };
  const ignore = (): void => {};
  const warn = (_: string, fields?: object): void => void warnings.push(fields as Warning);
  const logger = { debug: ignore, info: ignore, warn, error: ignore, fatal: ignore };
  const leaks = new LeakWatch({ every, after: 100 }, clock, 0, logger);
  const advance = (ms: number): void => {
    const end = now + ms;
    while (due !== null && due.at <= end) {
      const { at, deadline } = due;
      due = null;
      now = at;
      deadline.deadlinePassed(now);
    }
    now = end;
  };
  return { leaks, warnings, advance, isWaiting: () => due !== null };
}

function connection(): MovingConn & { hasLeft: boolean; bytesReceived: number } {
  const c = { hasLeft: false, bytesReceived: 0, bytesSent: 0, remoteAddr: '127.0.0.1:1' };
  return c as unknown as ReturnType<typeof connection>;
}

test('says once what is held for too long, and nothing of what was released', () => {
  const { leaks, warnings, advance, isWaiting } = start();
  const c: Conn = connection();
  leaks.release(leaks.retained(c, 64));
  leaks.retained(c, 65);
  advance(99);
  assert.equal(warnings.length, 0);
  advance(1_000);
  const [{ stack = '', ...told }] = warnings as [Warning];
  assert.deepEqual(told, { kind: 'frame', heldMs: 100, loop: 0, remote: '127.0.0.1:1', bytes: 65 });
  assert.match(stack, /leak-watch\.test/);
  assert.equal(warnings.length, 1);
  assert.equal(isWaiting(), false, 'nothing is left to look at');
});

test('one warning for all that come from one place', () => {
  const { leaks, warnings, advance } = start();
  for (let count = 0; count < 3; count++) leaks.retained(connection(), 64);
  leaks.retained(connection(), 64);
  advance(200);
  assert.deepEqual(
    warnings.map(({ count }) => count),
    [3, undefined],
  );
});

test('a dialled connection is in use while bytes move, and over when it closes', () => {
  const { leaks, warnings, advance } = start();
  const c = connection();
  const closed = connection();
  for (const one of [c, closed]) leaks.dialled(one, {});
  for (let count = 0; count < 10; count++) {
    c.bytesReceived++;
    advance(60);
  }
  closed.hasLeft = true;
  assert.equal(warnings.length, 1, 'the one that stood still');
  advance(1_000);
  assert.deepEqual(
    warnings.map(({ kind }) => kind),
    ['connection', 'connection'],
  );
});

test('a pause that ends, or whose connection closes, is none', () => {
  const { leaks, warnings, advance, isWaiting } = start();
  const [resumed, closed, kept] = [connection(), connection(), connection()];
  for (const c of [resumed, closed, kept, kept]) leaks.paused(c);
  leaks.resumed(resumed);
  leaks.resumed(connection());
  closed.hasLeft = true;
  advance(1_000);
  assert.deepEqual(
    warnings.map(({ kind, count }) => [kind, count]),
    [['pause', undefined]],
  );
  assert.equal(isWaiting(), false);
});

test('follows a part of them, and no more than it has places for', () => {
  const sampled = start(128);
  let followed = 0;
  for (let count = 0; count < 20_000; count++) {
    const held = sampled.leaks.retained(connection(), 1);
    if (held === null) continue;
    followed++;
    sampled.leaks.release(held);
  }
  // 156 on average; one of these by chance is as likely as nothing that ever happens.
  assert.ok(followed > 10 && followed < 1_000, `${followed} of 20,000`);
  const { leaks } = start();
  const all = Array.from({ length: 1_100 }, () => leaks.retained(connection(), 1));
  assert.equal(all.filter((held) => held !== null).length, 1_024);
  leaks.release(all[0] ?? null);
  assert.notEqual(leaks.retained(connection(), 1), null, 'a place that is free is taken again');
});

test('looks at nothing after its end', () => {
  const { leaks, warnings, advance, isWaiting } = start();
  leaks.retained(connection(), 1);
  leaks.close();
  assert.equal(isWaiting(), false);
  advance(1_000);
  assert.deepEqual(warnings, []);
});
