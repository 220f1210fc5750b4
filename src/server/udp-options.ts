import type { DatagramExtras } from '../driver/contract.ts';
import {
  asBoolean,
  int32Max,
  invalidOption,
  isPlainObject,
  type OptionCheck,
  wholeNumber,
} from '../base/option-checks.ts';

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
  if (!isPlainObject(value) || !Object.keys(value).every((key) => known.includes(key))) {
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

/** The option `udp`: settings for the UDP sockets of a server or a client. */
export type UdpOptions = DatagramExtras;

const ofInterface: OptionCheck<string> = (name, value) => {
  if (typeof value === 'string' && value !== '') return value;
  throw invalidOption(name, value, "the name or an address of an interface, such as 'eth0'");
};

const udpChecks: { [Name in keyof UdpOptions]-?: OptionCheck<NonNullable<UdpOptions[Name]>> } = {
  multicastInterface: ofInterface,
  multicastLoop: asBoolean,
  multicastTtl: wholeNumber(1, 255, 'networks'),
  dontFragment: asBoolean,
  typeOfService: wholeNumber(0, 255, 'the byte of the header'),
  receiveTypeOfService: asBoolean,
  segmentation: asBoolean,
  coalescing: asBoolean,
};

/** The option `udp`. */
export const asUdp: OptionCheck<UdpOptions> = (name, value) => {
  if (!isPlainObject(value)) {
    throw invalidOption(name, value, 'an object such as { dontFragment: true }');
  }
  const checked: Record<string, unknown> = {};
  for (const [key, given] of Object.entries(value)) {
    if (!Object.hasOwn(udpChecks, key)) {
      throw invalidOption(`${name}.${key}`, given, `one of ${Object.keys(udpChecks).join(', ')}`);
    }
    if (given === undefined) continue;
    checked[key] = udpChecks[key as keyof UdpOptions](`${name}.${key}`, given);
  }
  return checked as UdpOptions;
};

const coalescedBytesMax = 65_536;

/** @throws ErrInvalidOption when what comes as one would be cut. */
export function udpSettings(
  option: UdpOptions | undefined,
  readBufferCap: number,
): UdpOptions | undefined {
  if (option?.coalescing === true && readBufferCap < coalescedBytesMax) {
    throw invalidOption('udp.coalescing', true, `readBufferCap of ${coalescedBytesMax} at least`);
  }
  return option;
}
