/** What a thread that is gone held of OpenSSL. */
import { type Address, nullAddress } from '../../ffi/index.ts';
import { objectKind, type ObjectKind, objectsIn } from '../object-ledger.ts';
import { BIO_free, SSL_CTX_free, SSL_free, X509_STORE_free } from './bindings.ts';

/** Those that use others come first. */
const freers: readonly (readonly [keyof typeof objectKind, (object: Address) => unknown])[] = [
  ['session', SSL_free],
  ['context', SSL_CTX_free],
  ['bio', BIO_free],
  ['store', X509_STORE_free],
];

/** How many there were, by their kinds. */
export type FreedObjects = Record<keyof typeof objectKind, number>;

/** Of all threads that have gone, as far as this thread has freed it. */
export const freedObjects: FreedObjects = { session: 0, context: 0, bio: 0, store: 0 };

const addressOf = (value: bigint): Address =>
  typeof nullAddress === 'bigint' ? value : Number(value);

/** Frees what stands in the ledger of a thread that is gone; by one thread, once. */
export function freeLeftObjects(memory: readonly SharedArrayBuffer[]): void {
  for (const [name, free] of freers) {
    const kind: ObjectKind = objectKind[name];
    for (const object of objectsIn(memory, kind)) {
      free(addressOf(object));
      freedObjects[name]++;
    }
  }
}
