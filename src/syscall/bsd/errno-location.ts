import { type Address, foreignInterface } from '../../ffi/index.ts';
import { requireBsd } from '../../platform/index.ts';

/** The first of the names that the C library has. */
export function bsdErrnoLocation(): Address {
  const names = requireBsd().symbols.errno;
  let missing: unknown;
  for (const name of names) {
    try {
      return foreignInterface.lookupAddress(name, 0)();
    } catch (error) {
      missing = error;
    }
  }
  throw missing;
}
