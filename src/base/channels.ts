/**
 * What the program may subscribe to with `node:diagnostics_channel`. Whoever publishes looks at
 * `hasSubscribers` first: without a subscriber nothing is made.
 */
import { channel, tracingChannel } from 'node:diagnostics_channel';

export const channels = {
  /** A call of the handler took longer than `slowHandler`. */
  loopSlow: channel('gnet:loop.slow'),
} as const;

/** Around each call of `react`. */
export const reactTracing = tracingChannel('gnet:react');

const { start, end, asyncStart, asyncEnd, error } = reactTracing;

export function reactIsTraced(): boolean {
  return (
    start.hasSubscribers ||
    end.hasSubscribers ||
    asyncStart.hasSubscribers ||
    asyncEnd.hasSubscribers ||
    error.hasSubscribers
  );
}
