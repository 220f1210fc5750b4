import { ErrInvalidOption } from '../base/errors.ts';
import { int32Max, milliseconds, nearestName } from '../base/option-checks.ts';
import type { Timeouts } from './conn.ts';

/** The check of every time limit, as an option and later on. */
export const checkTimeout: (name: string, value: unknown) => number = milliseconds(int32Max);

/** All limits, as a connection has them. */
export type TimeLimits = { readonly [Name in keyof Timeouts]-?: number };

const names = ['idleTimeout', 'readTimeout', 'writeTimeout', 'closeTimeout'] as const;

/**
 * The limits with those replaced that are given; `undefined` leaves one as it is.
 * @throws ErrInvalidOption as `serve` does; then nothing is replaced.
 */
export function checkedTimeouts(given: Timeouts, current: TimeLimits): TimeLimits {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new ErrInvalidOption(
      'cannot set the time limits: give an object such as { idleTimeout: 5000 }',
    );
  }
  const limits: { -readonly [Name in keyof TimeLimits]: number } = { ...current };
  for (const [name, value] of Object.entries(given)) {
    const known = names.find((one) => one === name);
    if (known === undefined) throw unknownLimit(name);
    if (value !== undefined) limits[known] = checkTimeout(name, value);
  }
  return limits;
}

function unknownLimit(name: string): ErrInvalidOption {
  const nearest = nearestName(name, names);
  const hint = nearest === undefined ? `there are ${names.join(', ')}` : `is it ${nearest}?`;
  return new ErrInvalidOption(`cannot set ${name}: there is no such time limit; ${hint}`);
}
