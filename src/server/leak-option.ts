import { environment } from '../base/environment.ts';
import { int32Max, invalidOption, oneWordOf, wholeNumber } from '../base/option-checks.ts';
import type { LeakSettings } from '../connection/leaks.ts';

/** How many of the things that a program may hold for too long are followed. */
export type LeakLevel = 'off' | 'sampled' | 'all';

/** The short form has the default of `after`. */
export type LeakDetectionOption =
  | LeakLevel
  | {
      readonly level: LeakLevel;
      /** Milliseconds, 1 to 2^31-1, after which something is held for too long. Default 60,000. */
      readonly after?: number;
    };

const asLevel = oneWordOf(['off', 'sampled', 'all']);
const asTime = wholeNumber(1, int32Max, 'milliseconds');
const members = ['level', 'after'];
const wanted = "'off', 'sampled', 'all', or { level, after }";

const afterMs = 60_000;
/** One of so many. */
const sampledEvery = 128;

export function asLeakDetection(name: string, value: unknown): LeakDetectionOption {
  if (typeof value !== 'object' || value === null) return asLevel(name, value);
  const stranger = Object.keys(value).find((key) => !members.includes(key));
  if (stranger !== undefined) throw invalidOption(`${name}.${stranger}`, value, wanted);
  const { level, after } = value as { level?: unknown; after?: unknown };
  return {
    level: asLevel(`${name}.level`, level),
    ...(after !== undefined && { after: asTime(`${name}.after`, after) }),
  };
}

/**
 * Undefined: nothing is followed. Without the option, as the environment says.
 * @throws ErrInvalidOption if the variable has no valid value.
 */
export function leakSettings(given: LeakDetectionOption | undefined): LeakSettings | undefined {
  const variable = 'GNET_LEAK_DETECTION';
  const option = given ?? asLevel(variable, environment[variable] || 'off');
  const { level, after = afterMs } = typeof option === 'string' ? { level: option } : option;
  if (level === 'off') return undefined;
  return { every: level === 'all' ? 1 : sampledEvery, after };
}
