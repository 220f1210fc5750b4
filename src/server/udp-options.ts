import { int32Max, invalidOption, type OptionCheck } from '../base/option-checks.ts';

/** The option `udpSessions`. */
export type UdpSessionsOption =
  | boolean
  | { readonly idleTimeout?: number | undefined; readonly max?: number | undefined };

/** Of one loop. */
export interface UdpSessionSettings {
  readonly idleTimeout: number;
  readonly max: number;
}

const sessionDefaults: UdpSessionSettings = { idleTimeout: 60_000, max: 65_536 };

/** A session that never ends would be one for each forged address. */
function positive(name: string, value: unknown, unit: string): number | undefined {
  if (value === undefined) return undefined;
  if (Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= int32Max) {
    return value as number;
  }
  throw invalidOption(name, value, `a whole number from 1 to ${int32Max} (${unit})`);
}

/** The option `udpSessions`. */
export const asUdpSessions: OptionCheck<UdpSessionsOption> = (name, value) => {
  if (typeof value === 'boolean') return value;
  const known = ['idleTimeout', 'max'];
  if (
    typeof value !== 'object' ||
    value === null ||
    !Object.keys(value).every((key) => known.includes(key))
  ) {
    throw invalidOption(name, value, 'true, or an object such as { idleTimeout: 60000 }');
  }
  const { idleTimeout, max } = value as Record<string, unknown>;
  return {
    idleTimeout: positive(`${name}.idleTimeout`, idleTimeout, 'milliseconds'),
    max: positive(`${name}.max`, max, 'sessions'),
  };
};

export function udpSessionSettings(
  option: UdpSessionsOption | undefined,
): UdpSessionSettings | undefined {
  if (option === undefined || option === false) return undefined;
  if (option === true) return sessionDefaults;
  return {
    idleTimeout: option.idleTimeout ?? sessionDefaults.idleTimeout,
    max: option.max ?? sessionDefaults.max,
  };
}
