/** Watermarks and half-open of one connection, where they are not the server's. */
import { ErrInvalidOption } from '../base/errors.ts';
import { asBoolean, nearestName, oneWordOf, wholeNumber } from '../base/option-checks.ts';
import type { Conn } from './conn.ts';
import type { Flow } from './conn-settings.ts';
import { requestHalfOpenEnd } from './closing.ts';
import type { ConnectionSettings } from './owner.ts';
import { crossHigh, outboundBuffered } from './outbound.ts';
import { pause, resume } from './pausing.ts';
import { type Connection, ConnectionRecord, is, isClosed } from './record.ts';
import { mark, pauseReason } from './states.ts';
import { scheduleFlush } from './deferred-tasks.ts';

const bytes = wholeNumber(0, Number.MAX_SAFE_INTEGER, 'bytes');
const overflow = oneWordOf(['pause', 'close', 'none']);
const names = [
  'highWaterMark',
  'lowWaterMark',
  'maxOutboundBytes',
  'overflow',
  'allowHalfOpen',
] as const;

/** See `Conn`. */
export function setFlow(c: Connection, flow: Flow): void {
  const settings = checkedFlow(flow, c.settings);
  if (isClosed(c)) return;
  const { allowHalfOpen } = c.settings;
  c.settings = settings;
  if (!settings.pauseOnOverflow) resume(c, pauseReason.overflow);
  else if (is(c, mark.aboveHigh)) pause(c, pauseReason.overflow);
  if (outboundBuffered(c) > settings.highWaterMark) crossHigh(c);
  // By the marks and the policy that hold now.
  if (is(c, mark.aboveHigh)) scheduleFlush(c);
  if (allowHalfOpen && !settings.allowHalfOpen) requestHalfOpenEnd(c);
}

/**
 * Whether who writes now waits for a slow peer by itself: then output above the mark does not close the
 * connection, which it does else with `overflow: 'close'`. Datagrams have no such output.
 */
export function setPaced(c: Conn, on: boolean): void {
  if (!(c instanceof ConnectionRecord)) return;
  const connection = c as Connection;
  if (on) connection.marks |= mark.paced;
  else connection.marks &= ~mark.paced;
  if (!on && is(connection, mark.aboveHigh) && !isClosed(connection)) scheduleFlush(connection);
}

/**
 * Who writes its last before the end gives everything at once: no mark and no bound holds any more.
 * Datagrams have none.
 */
export function liftOutputLimits(c: Conn): void {
  if (!(c instanceof ConnectionRecord) || isClosed(c)) return;
  const connection = c as Connection;
  connection.settings = {
    ...connection.settings,
    maxOutboundBytes: Number.MAX_SAFE_INTEGER,
    pauseOnOverflow: false,
    closeOnOverflow: false,
  };
  resume(connection, pauseReason.overflow);
}

/** @throws ErrInvalidOption */
function checkedFlow(flow: Flow, current: ConnectionSettings): ConnectionSettings {
  if (typeof flow !== 'object' || flow === null || Array.isArray(flow)) {
    throw new ErrInvalidOption(
      'cannot set the flow: give an object such as { highWaterMark: 65536 }',
    );
  }
  for (const name of Object.keys(flow)) {
    if (!names.some((known) => known === name)) throw unknownName(name);
  }
  const high =
    flow.highWaterMark === undefined
      ? current.highWaterMark
      : bytes('highWaterMark', flow.highWaterMark);
  const low =
    flow.lowWaterMark === undefined
      ? Math.min(current.lowWaterMark, flow.highWaterMark === undefined ? high : high >> 2)
      : bytes('lowWaterMark', flow.lowWaterMark);
  const cap =
    flow.maxOutboundBytes === undefined
      ? current.maxOutboundBytes
      : bytes('maxOutboundBytes', flow.maxOutboundBytes);
  if (low > high || high > cap) {
    throw new ErrInvalidOption(
      `cannot set highWaterMark to ${high} and lowWaterMark to ${low}: they must stand in that order ` +
        `below maxOutboundBytes, ${cap}`,
    );
  }
  const policy = flow.overflow === undefined ? undefined : overflow('overflow', flow.overflow);
  return {
    ...current,
    highWaterMark: high,
    lowWaterMark: low,
    maxOutboundBytes: cap,
    ...(policy !== undefined && {
      pauseOnOverflow: policy === 'pause',
      closeOnOverflow: policy === 'close',
    }),
    ...(flow.allowHalfOpen !== undefined && {
      allowHalfOpen: asBoolean('allowHalfOpen', flow.allowHalfOpen),
    }),
  };
}

function unknownName(name: string): ErrInvalidOption {
  const nearest = nearestName(name, names);
  const hint = nearest === undefined ? `there are ${names.join(', ')}` : `is it ${nearest}?`;
  return new ErrInvalidOption(`cannot set ${name}: it is no part of the flow; ${hint}`);
}
