import { type Address, foreignInterface } from '../ffi/index.ts';
import { ofThisSystem } from './this-system.ts';

const name = ofThisSystem({ linux: '__errno_location' });

/** Where the C library keeps errno of this thread. */
export const errnoLocation: Address = foreignInterface.lookupAddress(name, 0)();
