import { type Address, foreignInterface } from '../ffi/index.ts';

/** Where the C library keeps errno of this thread: `__error` elsewhere than on Linux. */
export const errnoLocation: Address = foreignInterface.lookupAddress('__errno_location', 0)();
