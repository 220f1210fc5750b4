import { type AwaitsCodec, awaitsCodec } from '../base/codec-to-come.ts';
import type { FrameSource, ICodec } from '../codec/index.ts';
import type { Conn, EventHandler } from '../index.ts';

/**
 * Of connections that were given away, until they have the codec of their next protocol: what comes is that
 * one's, and waits for it.
 */
export class CodecToCome implements ICodec<never> {
  readonly #heldMax: number;

  /** @param heldMax up to so many bytes it is read on, if only to see that the client goes. */
  constructor(heldMax: number) {
    this.#heldMax = heldMax;
  }

  encode(_source: FrameSource, bytes: Uint8Array): Uint8Array {
    return bytes;
  }

  decode(source: FrameSource): null {
    const conn = source as Conn & Partial<AwaitsCodec>;
    const waits = conn.bufferLength();
    // An end is told behind what waits.
    if (waits > this.#heldMax || (waits > 0 && conn.readEnded)) conn[awaitsCodec]?.();
    return null;
  }
}

/** Theirs until then: the one of the server finds nothing of its own on them any more. */
export const handlerToCome: EventHandler<never> = {};
