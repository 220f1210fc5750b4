/**
 * The systems that a stand-in can be: `GNET_STAND_IN=darwin`, ... Where their kqueues differ, and what
 * each of them does not have, as switches.
 */
import { loadBsdPlatform, type BsdPlatform, type StructLayout } from '../../src/platform/index.ts';

export interface StandInSystem {
  readonly platform: string;
  readonly cpu: string;
  /** What `uname -r` says. */
  readonly release: string;
  /** EVFILT_USER; otherwise EINVAL. */
  readonly hasUserEvents: boolean;
  /** EV_RECEIPT; otherwise it is not looked at, and only failures give an event. */
  readonly hasReceipts: boolean;
  /** What reports an event says how it was registered, too. */
  readonly returnsAddFlag: boolean;
  /** accept(2) gives out what was reset while it waited: length 0, the name as it was. */
  readonly acceptsReset: boolean;
  /** IPV6_V6ONLY can be cleared. */
  readonly hasDualStack: boolean;
  /** Names of the C library with this form of the struct; other names of kevent(2) are not there. */
  readonly kevents: Readonly<Record<string, 'kevent' | 'kevent100'>>;
}

const usual = {
  cpu: 'x64',
  hasUserEvents: true,
  hasReceipts: true,
  returnsAddFlag: false,
  acceptsReset: false,
  hasDualStack: true,
  kevents: { kevent: 'kevent' },
} as const;

const systems: Readonly<Record<string, StandInSystem>> = {
  darwin: {
    ...usual,
    platform: 'darwin',
    cpu: 'arm64',
    release: '24.6.0',
    returnsAddFlag: true,
    acceptsReset: true,
  },
  freebsd: { ...usual, platform: 'freebsd', release: '14.3-RELEASE' },
  openbsd: { ...usual, platform: 'openbsd', release: '7.8', hasDualStack: false },
  /** Without EVFILT_USER. */
  'openbsd-7.7': {
    ...usual,
    platform: 'openbsd',
    release: '7.7',
    hasUserEvents: false,
    hasDualStack: false,
  },
  netbsd: {
    ...usual,
    platform: 'netbsd',
    release: '11.0',
    kevents: { __kevent50: 'kevent', __kevent100: 'kevent100' },
  },
  /** The older struct, without EVFILT_USER and receipts. */
  'netbsd-9': {
    ...usual,
    platform: 'netbsd',
    release: '9.4',
    hasUserEvents: false,
    hasReceipts: false,
    kevents: { __kevent50: 'kevent' },
  },
  dragonfly: { ...usual, platform: 'dragonfly', release: '6.4-RELEASE' },
};

export const standInNames: readonly string[] = Object.keys(systems);

/** @throws RangeError when there is no such one. */
export function standInSystem(name: string): StandInSystem {
  const found = systems[name];
  if (found !== undefined) return found;
  throw new RangeError(`there is no stand-in '${name}', only ${standInNames.join(', ')}`);
}

export interface StandInTables extends BsdPlatform {
  readonly structs: Readonly<Record<string, StructLayout>>;
}

export async function tablesOf({ platform, cpu }: StandInSystem): Promise<StandInTables> {
  const tables = await loadBsdPlatform(platform, cpu);
  if (tables === undefined) throw new RangeError(`there are no tables of ${platform}-${cpu}`);
  return { ...tables, structs: tables.layouts };
}
