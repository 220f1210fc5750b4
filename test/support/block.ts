import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { waitUntil } from './wait-until.ts';

/** Nothing else has a turn on this thread meanwhile. */
export function block(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

/** How long one look may take others. */
const lookMs = 5;
/** Who is waited for has died. */
const limitMs = 60_000;
const nobody = new Int32Array(new SharedArrayBuffer(4));
const begins = (folder: string): string => join(folder, 'blocked');
const ends = (folder: string): string => join(folder, 'go on');

/** Nothing else has a turn on this thread, until another process calls `unblock` with this folder. */
export function blockUntilTold(folder: string): void {
  writeFileSync(begins(folder), '');
  const end = performance.now() + limitMs;
  while (!existsSync(ends(folder)) && performance.now() < end) Atomics.wait(nobody, 0, 0, lookMs);
}

/** In that other process: the thread is blocked from now on. */
export function untilBlocked(folder: string): Promise<void> {
  return waitUntil(() => existsSync(begins(folder)), 'it blocks');
}

export function unblock(folder: string): void {
  writeFileSync(ends(folder), '');
}

/** Runs `before` and blocks the thread behind the turn of the loops: what comes next are timers. */
export function blockTimers(before: () => void, ms: number): void {
  setImmediate(() => {
    before();
    block(ms);
  });
}
