/** What both engines' transports stand on: the slabs that they need, and who hears of the bytes. */
import type { GnetError } from '../base/errors.ts';
import { readHeadroomBytes } from '../base/limits.ts';
import type { SlabPool } from '../buffer/slab.ts';
import type { StreamReceiver } from '../driver/transport.ts';
import { recordBytesMax } from './limits.ts';

/** Records that are made before they are sent: what they come to fits a slab of `cipherSlabBytes`. */
const recordsPerSend = 4;
export const plainBytesPerSend = recordsPerSend * recordBytesMax;
/** Slabs that ciphertext stands in until the kernel has taken it: 64 KiB, and what TLS adds to it. */
export const cipherSlabBytes = plainBytesPerSend + 4_096;

/** Slabs for plaintext: all that one read can bring, behind the room that a receiver wants in front. */
export function plainSlabBytes(readBufferBytes: number): number {
  // What the read ends, and what OpenSSL has kept of a record that it begins with.
  return readHeadroomBytes + readBufferBytes + 2 * recordBytesMax;
}

export interface TlsPools {
  /** Of `plainSlabBytes`. */
  readonly plain: SlabPool;
  /** Of `cipherSlabBytes`; the driver must be able to send from them. */
  readonly cipher: SlabPool;
}

/** Who hears what becomes of the bytes; the rest as of a driver. */
export interface TlsReceiver extends StreamReceiver {
  /**
   * The session is over. What was sent last, an alert, should arrive: the stream is to be ended in
   * order, not reset.
   */
  refused(error: GnetError): void;
  /**
   * The peer has ended without saying so, and something may be missing. Comes in place of `ended`.
   */
  endedEarly(error: GnetError): void;
  /** Bytes came that make no plaintext yet: a part of a record. The peer is not silent. */
  bytesCame(): void;
}
