import { ErrInvalidOption } from '../../base/errors.ts';
import type { RestartOptions } from '../../connection/server-view.ts';
import {
  asBoolean,
  int32Max,
  invalidOption,
  isPlainObject,
  nearestName,
  oneWordOf,
  type OptionCheck,
} from '../../base/option-checks.ts';

/** Signals that a program may use for its own purposes. */
export type RestartSignal = 'SIGUSR2' | 'SIGHUP' | 'SIGUSR1';

export const restartSignals: readonly RestartSignal[] = ['SIGUSR2', 'SIGHUP', 'SIGUSR1'];

export interface GracefulOptions extends RestartOptions {
  /**
   * The signal that restarts the program. Default `SIGUSR2`. `SIGUSR1` also starts Node's
   * inspector, unless the program runs with `--disable-sigusr1`.
   */
  readonly signal?: RestartSignal;
  /**
   * The first process starts the program again as its child and only forwards signals. Restarts
   * replace the child, and the first process ends when the last child ends. For containers, which
   * end with their first process. In that process, `serve` never settles. Default false.
   */
  readonly parent?: boolean;
}

export interface RestartSettings {
  readonly readyTimeout: number;
  readonly drainTimeout: number;
}

export interface GracefulSettings extends RestartSettings {
  readonly signal: RestartSignal;
  readonly parent?: boolean;
}

const limit: OptionCheck<number> = (name, value) => {
  if (value === Number.POSITIVE_INFINITY) return value;
  if (typeof value === 'number' && value >= 0 && value <= int32Max) return Math.ceil(value);
  throw invalidOption(name, value, `milliseconds from 0 to ${int32Max}, or Infinity`);
};
const asSignal = oneWordOf<RestartSignal>(restartSignals);

/** @throws ErrInvalidOption. */
export function restartSettings(options: RestartOptions = {}, prefix = ''): RestartSettings {
  const { readyTimeout = 30_000, drainTimeout = 60_000 } = options;
  return {
    readyTimeout: limit(`${prefix}readyTimeout`, readyTimeout),
    drainTimeout: limit(`${prefix}drainTimeout`, drainTimeout),
  };
}

const names = ['signal', 'parent', 'readyTimeout', 'drainTimeout'];

/** The option `graceful`. */
export const asGraceful: OptionCheck<boolean | GracefulOptions> = (name, value) => {
  if (typeof value === 'boolean') return value;
  if (!isPlainObject(value)) {
    throw invalidOption(name, value, 'true, false or an object such as { drainTimeout: 60_000 }');
  }
  for (const key of Object.keys(value)) {
    if (names.includes(key)) continue;
    const near = nearestName(key, names);
    const hint = near === undefined ? `known are ${names.join(', ')}` : `is it ${near}?`;
    throw new ErrInvalidOption(`cannot use option ${name}.${key}: there is none; ${hint}`);
  }
  gracefulSettings(value as GracefulOptions);
  return value as GracefulOptions;
};

/** Undefined: no signal restarts the program. */
export function gracefulSettings(
  given: boolean | GracefulOptions | undefined,
): GracefulSettings | undefined {
  if (given === undefined || given === false) return undefined;
  const options = given === true ? {} : given;
  return {
    ...restartSettings(options, 'graceful.'),
    signal: asSignal('graceful.signal', options.signal ?? 'SIGUSR2'),
    ...(asBoolean('graceful.parent', options.parent ?? false) && { parent: true }),
  };
}
