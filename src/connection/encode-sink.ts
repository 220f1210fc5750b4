import type { FrameSink } from '../codec/codec.ts';

const nothing = Buffer.alloc(0);

/** A connection, as an encoder's output needs it. */
export interface EncodeTarget {
  /** Takes prefix, payload and suffix, and says through `sink.lend` where the prefix is filled in. */
  takeWrapped(
    sink: EncodeSink,
    prefixLength: number,
    payload: Uint8Array,
    suffix: Uint8Array | null,
  ): void;
}

/** The one sink of a loop: encoders run one at a time. */
export class EncodeSink implements FrameSink {
  bytes: Buffer = nothing;
  offset = 0;
  #target: EncodeTarget | null = null;

  begin(target: EncodeTarget): void {
    this.#target = target;
  }

  wrap(prefixLength: number, payload: Uint8Array, suffix: Uint8Array | null): void {
    this.#target?.takeWrapped(this, prefixLength, payload, suffix);
  }

  lend(bytes: Buffer, offset: number): void {
    this.bytes = bytes;
    this.offset = offset;
  }
}
