import type { Address } from '../../ffi/index.ts';
import { objectKind, objectLedger } from '../object-ledger.ts';
import { runtimeRoots } from '../trusted-roots.ts';
import { makeStore } from './x509.ts';

let sharedStore: Address | null = null;

/** One store of the runtime's roots for all contexts of the thread, made when it is first needed. */
export function runtimeRootStore(): Address {
  if (sharedStore === null) {
    sharedStore = makeStore(runtimeRoots(), []);
    objectLedger.add(objectKind.store, sharedStore);
  }
  return sharedStore;
}
