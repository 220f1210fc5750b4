/**
 * Numbers, struct layouts and names of the kernel that this process runs on. Plain data, no calls;
 * importing this is safe on every operating system.
 */
import { ErrUnsupportedPlatform } from '../base/errors.ts';
import * as linuxArm64 from './linux-arm64.ts';
import * as linuxX64 from './linux-x64.ts';

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

type LinuxTables = typeof linuxX64 | typeof linuxArm64;

/** The tables of one operating system and CPU. */
export interface PlatformTables {
  readonly constants: LinuxTables['constants'];
  readonly layouts: LinuxTables['layouts'];
  readonly syscallNumbers: LinuxTables['syscallNumbers'];
}

export interface UnsupportedPlatform {
  readonly constants: undefined;
  readonly layouts: undefined;
  readonly syscallNumbers: undefined;
}

/** `name` is `<os>-<cpu>` in Node's words; the tables are undefined where there are none. */
export type Platform = { readonly name: string } & (PlatformTables | UnsupportedPlatform);

const knownTables: ReadonlyMap<string, PlatformTables> = new Map<string, PlatformTables>([
  ['linux-x64', linuxX64],
  ['linux-arm64', linuxArm64],
]);

const noTables: UnsupportedPlatform = {
  constants: undefined,
  layouts: undefined,
  syscallNumbers: undefined,
};

/** The platform for Node's `process.platform` and `process.arch`. */
export function platformOf(os: string, cpu: string): Platform {
  const name = `${os}-${cpu}`;
  return { name, ...(knownTables.get(name) ?? noTables) };
}

export const platform: Platform = platformOf(process.platform, process.arch);

/**
 * The tables of this process, for code that runs only where there are some.
 * @throws ErrUnsupportedPlatform where there are none.
 */
export function requirePlatform(wanted: Platform = platform): PlatformTables {
  if (wanted.constants !== undefined) return wanted;
  throw new ErrUnsupportedPlatform(
    `cannot call the kernel of ${wanted.name}: its numbers and struct layouts are not known, ` +
      `only those of ${[...knownTables.keys()].join(', ')}; use the driver 'node'`,
  );
}
