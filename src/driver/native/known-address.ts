import type { Slab } from '../../buffer/slab.ts';
import { type Address, addressAt } from '../../ffi/index.ts';

/**
 * The address of what was sent last. An answer from the slab that everything is received into, and a
 * message to many, are sent from one and the same place again and again, and an address is an object.
 */
export class KnownAddress {
  #slab: Slab | null = null;
  #offset = 0;
  #address: Address = 0;

  of(slab: Slab, offset: number): Address {
    if (slab !== this.#slab || offset !== this.#offset) {
      this.#slab = slab;
      this.#offset = offset;
      this.#address = addressAt(slab.address as Address, offset);
    }
    return this.#address;
  }
}
