/**
 * Which OpenSSL is used: the one inside the runtime where its symbols are exported, else the system's.
 * Nothing else is called before the version and every symbol have been checked.
 */
import { errorOf } from '../../base/thrown.ts';
import { addressAt, type ForeignLibrary, foreignInterface, word } from '../../ffi/index.ts';
import { ErrTlsUnavailable } from '../errors.ts';
import { scratch } from './native-memory.ts';
import { addressFunctions, numberFunctions, versionFunction } from './symbols.ts';

type NumberFunctions = Record<keyof typeof numberFunctions, ReturnType<ForeignLibrary['lookup']>>;
type AddressFunctions = Record<
  keyof typeof addressFunctions,
  ReturnType<ForeignLibrary['lookupAddress']>
>;

/** What of OpenSSL has been found. */
export interface OpensslLibrary {
  /** `runtime`: what this process was linked with; `system`: a shared library of the machine. */
  readonly origin: OpensslOrigin;
  /** `3.5.8`. */
  readonly version: string;
  readonly functions: NumberFunctions & AddressFunctions;
}

export type OpensslOrigin = 'runtime' | 'system';

/** The major version whose binary interface is known here. */
const knownMajor = 3;

/**
 * libssl before libcrypto, which it needs: functions of both are found in the first. A program finds
 * them where its other libraries are.
 */
const systemLibrary = 'libssl.so.3';

/** Flags of dlopen(3), <dlfcn.h>: its own symbols are preferred to those of the process. */
const resolveNow = 2;
const ownSymbolsFirst = 8;

function versionText(number: number): string {
  return `${number >>> 28}.${(number >>> 20) & 0xff}.${(number >>> 4) & 0xff}`;
}

function firstLine(error: unknown): string {
  return errorOf(error).message.split('\n', 1)[0] ?? '';
}

/**
 * The process may export another TLS library under the same names: without this, functions of the
 * system's library would call those. Loaded once, it keeps what it has found.
 */
function openSystemLibrary(): ForeignLibrary {
  const open = foreignInterface.lookupAddress('dlopen', 2);
  scratch.bytes.write(`${systemLibrary}\0`, 0, 'latin1');
  open(addressAt(scratch.address, 0), word(resolveNow | ownSymbolsFirst));
  return foreignInterface.open(systemLibrary);
}

function findFunctions(library: ForeignLibrary): NumberFunctions & AddressFunctions {
  const found: Record<string, unknown> = {};
  for (const [name, count] of Object.entries(numberFunctions)) {
    found[name] = library.lookup(name, count);
  }
  for (const [name, count] of Object.entries(addressFunctions)) {
    found[name] = library.lookupAddress(name, count);
  }
  return found as NumberFunctions & AddressFunctions;
}

/** The library if it is one that can be used, otherwise why not. */
function examine(origin: OpensslOrigin, open: () => ForeignLibrary): OpensslLibrary | string {
  let library: ForeignLibrary;
  try {
    library = open();
  } catch (error) {
    return firstLine(error);
  }
  let version: number;
  try {
    version = library.lookup(versionFunction, 0)() >>> 0;
  } catch {
    return 'exports no OpenSSL';
  }
  if (version >>> 28 !== knownMajor) {
    return `is version ${versionText(version)}, and only OpenSSL ${knownMajor} is known`;
  }
  try {
    return { origin, version: versionText(version), functions: findFunctions(library) };
  } catch (error) {
    return `is version ${versionText(version)} without a function that is needed: ${firstLine(error)}`;
  }
}

const places: Readonly<Record<OpensslOrigin, () => ForeignLibrary>> = {
  runtime: () => foreignInterface,
  system: openSystemLibrary,
};

/**
 * The OpenSSL to use, tried in that order.
 * @throws ErrTlsUnavailable when none can be used, with the reason for each.
 */
export function findOpenssl(
  origins: readonly OpensslOrigin[] = ['runtime', 'system'],
): OpensslLibrary {
  const reasons: string[] = [];
  for (const origin of origins) {
    const found = examine(origin, places[origin]);
    if (typeof found !== 'string') return found;
    reasons.push(`${origin === 'runtime' ? 'that of the runtime' : systemLibrary} ${found}`);
  }
  throw new ErrTlsUnavailable(
    `cannot speak TLS: there is no OpenSSL ${knownMajor} to call (${reasons.join('; ')}); install ` +
      `the system's package with ${systemLibrary} (Debian and Ubuntu: libssl3; Fedora: openssl-libs; ` +
      'Alpine: libssl3), or use an official build of Node',
  );
}
