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
  };
}
