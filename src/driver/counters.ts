import type { DriverCounters } from './contract.ts';

/** The counters of a driver that has done nothing yet. */
export function newCounters(): DriverCounters {
  return {
    waits: 0,
    events: 0,
    bytesReceived: 0,
    bytesSent: 0,
    datagramsReceived: 0,
    datagramsOverflowed: 0,
    datagramsDropped: 0,
    sleptMs: 0,
    sleepBegan: 0,
    sleepEnded: 0,
  };
}

/** A sleep, by the clock of the loop. */
export function countSleep(counters: DriverCounters, began: number, ended: number): void {
  counters.sleptMs += ended - began;
  counters.sleepBegan = began;
  counters.sleepEnded = ended;
}

/** A sleep that is just over; `now` is by the clock of the loop, where that is not the thread's. */
export function countPastSleep(
  counters: DriverCounters,
  ms: number,
  now: number = performance.now(),
): void {
  countSleep(counters, now - ms, now);
}
