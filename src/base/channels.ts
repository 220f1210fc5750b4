/**
 * What the program may subscribe to with `node:diagnostics_channel`: `docs/monitoring.md` has the table,
 * `connection/channel-messages.ts` the messages. Whoever publishes looks at `hasSubscribers` first:
 * without a subscriber nothing is made.
 */
import { channel, tracingChannel } from 'node:diagnostics_channel';

export const channels = {
  serverStart: channel('gnet:server.start'),
  serverStop: channel('gnet:server.stop'),
  connOpen: channel('gnet:conn.open'),
  connError: channel('gnet:conn.error'),
  connClose: channel('gnet:conn.close'),
  connBackpressure: channel('gnet:conn.backpressure'),
  acceptRest: channel('gnet:accept.rest'),
  acceptResume: channel('gnet:accept.resume'),
  loopDead: channel('gnet:loop.dead'),
  loopRestarted: channel('gnet:loop.restarted'),
  /** A call of the handler took longer than `slowHandler`. */
  loopSlow: channel('gnet:loop.slow'),
  /** Something is held for longer than `leakDetection` allows. */
  leakFound: channel('gnet:leak.found'),
  tlsHandshake: channel('gnet:tls.handshake'),
  restartStart: channel('gnet:restart.start'),
  restartDone: channel('gnet:restart.done'),
  restartFailed: channel('gnet:restart.failed'),
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
