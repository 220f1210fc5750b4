import { type Address, foreignInterface } from '../ffi/index.ts';
import { bsdErrnoLocation } from './bsd/errno-location.ts';
import { ofThisSystem } from './this-system.ts';

/** Where the C library keeps errno of this thread. */
export const errnoLocation: Address = ofThisSystem({
  linux: () => foreignInterface.lookupAddress('__errno_location', 0)(),
  bsd: bsdErrnoLocation,
})();
