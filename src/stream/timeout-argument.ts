/** @throws as `net.Socket.setTimeout` does: a `TypeError` or a `RangeError` with a `code`. */
export function checkedTimeout(ms: unknown, callback: unknown): number {
  if (typeof ms !== 'number') {
    throw coded(
      new TypeError(`cannot set the timeout to a ${typeof ms}: give milliseconds, or 0 for none`),
      'ERR_INVALID_ARG_TYPE',
    );
  }
  if (!(ms >= 0 && Number.isFinite(ms))) {
    throw coded(
      new RangeError(`cannot set the timeout to ${ms}: give milliseconds from 0 on`),
      'ERR_OUT_OF_RANGE',
    );
  }
  if (callback !== undefined && typeof callback !== 'function') {
    throw coded(
      new TypeError(`cannot call back a ${typeof callback} at the timeout: give a function`),
      'ERR_INVALID_ARG_TYPE',
    );
  }
  return Math.min(ms, timerMsMax);
}

/** The longest delay that a timer takes. */
const timerMsMax = 2 ** 31 - 1;

function coded<Failure extends Error>(error: Failure, code: string): Failure {
  return Object.assign(error, { code });
}
