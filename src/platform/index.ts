/**
 * Numbers, struct layouts and names of the kernel that this process runs on. Plain data, no calls;
 * importing this is safe on every operating system.
 *
 * Those of Linux are there at once. Those of another system are loaded by `loadPlatform` before a
 * driver is imported that needs them, so that no process reads the tables of a system that it is not on.
 */
import { ErrUnsupportedPlatform } from '../base/errors.ts';
import { setErrnoNumbers } from './errno.ts';
import { linuxArm64 } from './linux-arm64.ts';
import { linuxX64 } from './linux-x64.ts';

export { describeErrno, errnoHint, errnoName, errnoNumber } from './errno.ts';

/** One member of a struct: bytes from its start, and its own bytes. */
export interface FieldLayout {
  readonly offset: number;
  readonly size: number;
}

export interface StructLayout {
  readonly size: number;
  readonly fields: Readonly<Record<string, FieldLayout>>;
}

/** Linux, on one CPU. */
export type LinuxTables = typeof linuxX64 | typeof linuxArm64;

type Darwin = typeof import('./bsd/darwin.ts');
type Freebsd = typeof import('./bsd/freebsd.ts');
type Netbsd = typeof import('./bsd/netbsd.ts');
type Openbsd = typeof import('./bsd/openbsd.ts');
type Dragonfly = typeof import('./bsd/dragonfly.ts');

/** macOS and the BSDs: what has kqueue(2). Alike on every CPU. */
export type BsdTables = Darwin | Freebsd | Netbsd | Openbsd | Dragonfly;

type Tables = LinuxTables | BsdTables;
type NameIn<Table extends Tables> = Table extends Tables ? keyof Table['constants'] : never;
/** Names that every system has. */
type CommonName = keyof Tables['constants'];

type Constants<Of extends Tables> = {
  readonly [Name in keyof Of['constants']]: number;
} & {
  readonly [Name in Exclude<NameIn<Of>, keyof Of['constants']>]?: number;
};

/** The tables of one operating system and CPU. */
export interface PlatformTables {
  /** A number that not every system has may be undefined. */
  readonly constants: { readonly [Name in CommonName]: number } & {
    readonly [Name in Exclude<NameIn<Tables>, CommonName>]?: number;
  };
  readonly layouts: Tables['layouts'];
}

/** What macOS and the BSDs have, as `PlatformTables`. */
export interface BsdPlatform extends PlatformTables {
  readonly constants: PlatformTables['constants'] & Constants<BsdTables>;
  readonly layouts: BsdTables['layouts'];
  readonly errnoNumbers: Readonly<Record<string, number>>;
  readonly cmsgAlignment: number;
  readonly symbols: BsdTables['symbols'];
}

export interface UnsupportedPlatform {
  readonly constants: undefined;
  readonly layouts: undefined;
}

/** `name` is `<os>-<cpu>` in Node's words; the tables are undefined where there are none. */
export type Platform = { readonly name: string } & (PlatformTables | UnsupportedPlatform);

const linuxTables: ReadonlyMap<string, LinuxTables> = new Map<string, LinuxTables>([
  ['linux-x64', linuxX64],
  ['linux-arm64', linuxArm64],
]);

/** By `process.platform`. */
const loaders: Readonly<Record<string, () => Promise<BsdPlatform>>> = {
  darwin: () => import('./bsd/darwin.ts'),
  freebsd: () => import('./bsd/freebsd.ts'),
  netbsd: () => import('./bsd/netbsd.ts'),
  openbsd: () => import('./bsd/openbsd.ts'),
  dragonfly: () => import('./bsd/dragonfly.ts'),
};

/** Systems and CPUs of the tables in `bsd/`. */
export const bsdPlatforms: readonly string[] = [
  'darwin-arm64',
  'darwin-x64',
  'freebsd-arm64',
  'freebsd-x64',
  'netbsd-x64',
  'openbsd-arm64',
  'openbsd-x64',
  'dragonfly-x64',
];

const loaded = new Map<string, BsdPlatform>();

const noTables: UnsupportedPlatform = { constants: undefined, layouts: undefined };

/** The platform for Node's `process.platform` and `process.arch`. */
export function platformOf(os: string, cpu: string): Platform {
  const name = `${os}-${cpu}`;
  return { name, ...(linuxTables.get(name) ?? loaded.get(name) ?? noTables) };
}

/**
 * Loads the tables of a system other than Linux, if it is one that has kqueue(2) and its tables are known.
 * Undefined otherwise.
 */
export async function loadBsdPlatform(os: string, cpu: string): Promise<BsdPlatform | undefined> {
  const name = `${os}-${cpu}`;
  if (!bsdPlatforms.includes(name)) return undefined;
  const tables = await loaders[os]?.();
  if (tables !== undefined) loaded.set(name, tables);
  return tables;
}

/** Before anything is imported that calls the kernel of this process. */
export async function loadPlatform(): Promise<void> {
  const tables = await loadBsdPlatform(process.platform, process.arch);
  // Those of the runtime are the same, only fewer.
  if (tables !== undefined) setErrnoNumbers(tables.errnoNumbers);
}

function unknown(name: string): ErrUnsupportedPlatform {
  const known = [...linuxTables.keys(), ...bsdPlatforms].join(', ');
  return new ErrUnsupportedPlatform(
    `cannot call the kernel of ${name}: its numbers and struct layouts are not known, ` +
      `only those of ${known}; use the driver 'node'`,
  );
}

function notThere(what: string): ErrUnsupportedPlatform {
  return new ErrUnsupportedPlatform(`cannot call the kernel: ${what}; use the driver 'auto'`);
}

const thisName = (): string => `${process.platform}-${process.arch}`;

/**
 * The tables of this process, for code that runs only where there are some.
 * @throws ErrUnsupportedPlatform where there are none.
 */
export function requirePlatform(
  wanted: Platform = platformOf(process.platform, process.arch),
): PlatformTables {
  if (wanted.constants !== undefined) return wanted;
  throw unknown(wanted.name);
}

/** As `requirePlatform`, for code that runs on Linux only. */
export function requireLinux(name: string = thisName()): LinuxTables {
  const tables = linuxTables.get(name);
  if (tables !== undefined) return tables;
  throw name.startsWith('linux-') ? unknown(name) : notThere(`${name} is not Linux`);
}

/** As `requirePlatform`, for code that runs on macOS and the BSDs only, behind `loadPlatform`. */
export function requireBsd(name: string = thisName()): BsdPlatform {
  const tables = loaded.get(name);
  if (tables !== undefined) return tables;
  throw notThere(`there is no kqueue on ${name}, or its numbers are not known`);
}
