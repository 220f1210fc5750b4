import { ErrInvalidOption } from '../base/errors.ts';
import { int32Max, invalidOption } from '../base/option-checks.ts';
import { textOf } from '../base/thrown.ts';
import type { Conn } from '../connection/conn.ts';

/** How to reconnect; every option is optional. */
export interface ReconnectOptions {
  /** Milliseconds before the first attempt, at least 1. Default 100. */
  readonly minDelay?: number;
  /** The wait before each further attempt grows by this factor, at least 1. Default 2. */
  readonly factor?: number;
  /** The longest wait before an attempt, in milliseconds. Default 30,000. */
  readonly maxDelay?: number;
  /**
   * The random share of each wait, 0 to 1, so that many clients do not reconnect at the same
   * moment. Default 0.5.
   */
  readonly jitter?: number;
  /** How many attempts in a row may fail before the client gives up. Default Infinity. */
  readonly limit?: number;
  /** Called when the connection is back, after `attempts` attempts and before `onOpened`. */
  readonly onReconnect?: (c: Conn, attempts: number) => void;
}

/** Every option, with its default. */
export type ReconnectPolicy = Required<Omit<ReconnectOptions, 'onReconnect'>> &
  Pick<ReconnectOptions, 'onReconnect'>;

const names = ['minDelay', 'factor', 'maxDelay', 'jitter', 'limit', 'onReconnect'];

/** @throws ErrInvalidOption */
export function reconnectPolicy(given: ReconnectOptions | boolean = {}): ReconnectPolicy {
  const options = given === true ? {} : given;
  if (typeof options !== 'object' || options === null) {
    throw invalidOption('reconnect', given, 'true, or an object such as { limit: 10 }');
  }
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new ErrInvalidOption(`cannot reconnect by ${unknown}: there are ${names.join(', ')}`);
  }
  const { minDelay = 100, factor = 2, jitter = 0.5, limit = Infinity, onReconnect } = options;
  const { maxDelay = Math.max(30_000, minDelay) } = options;
  check('minDelay', minDelay, 1, int32Max);
  check('factor', factor, 1, 1_000);
  check('maxDelay', maxDelay, minDelay, int32Max);
  check('jitter', jitter, 0, 1);
  check('limit', limit, 0, Infinity);
  if (onReconnect !== undefined && typeof onReconnect !== 'function') {
    throw invalidOption('reconnect.onReconnect', onReconnect, 'a function');
  }
  return { minDelay, factor, maxDelay, jitter, limit, ...(onReconnect && { onReconnect }) };
}

function check(name: string, value: unknown, least: number, most: number): void {
  if (typeof value === 'number' && value >= least && value <= most) return;
  const wanted = `a number from ${least} to ${most}, not ${textOf(value)}`;
  throw invalidOption(`reconnect.${name}`, value, wanted);
}

/** Milliseconds before attempt `attempt`, which counts from 1. */
export function delayBefore(
  attempt: number,
  policy: ReconnectPolicy,
  chance = Math.random,
): number {
  const { minDelay, factor, maxDelay, jitter } = policy;
  const whole = Math.min(maxDelay, minDelay * factor ** (attempt - 1));
  return whole * (1 - jitter * chance());
}
