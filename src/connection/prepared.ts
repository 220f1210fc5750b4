import { ErrInvalidReply } from '../base/errors.ts';
import type { FrameSource, ICodec } from '../codec/codec.ts';
import type { Bytes } from './bytes.ts';

/**
 * A payload for many connections, made by `prepare`. A codec with `sharesEncoding` encodes it once for
 * all of its connections, every other codec once for each.
 */
export class Prepared {
  readonly #payload: Uint8Array;
  /** The codec that encoded last, and what it made. */
  #codec: ICodec<unknown> | null = null;
  #encoded: Uint8Array | null = null;

  /** @internal Use `prepare`. The bytes stay as they are while this is used. */
  constructor(payload: Uint8Array) {
    this.#payload = payload;
  }

  /** @internal Whether it is one: hostile objects notice nothing of the question. */
  static is(value: unknown): value is Prepared {
    if (typeof value !== 'object' || value === null) return false;
    // V8 looks up a private name of a typed array by a slow path, and nearly every write is one.
    return !ArrayBuffer.isView(value) && #payload in value;
  }

  /** Bytes of the payload, before any codec. */
  get length(): number {
    return this.#payload.length;
  }

  /** @internal The payload; nobody may change it. */
  static payloadOf(prepared: Prepared): Uint8Array {
    return prepared.#payload;
  }

  /** @internal What the codec makes of it for a connection. @throws what the codec throws. */
  static encodedBy(prepared: Prepared, codec: ICodec<unknown>, c: FrameSource): Uint8Array {
    if (prepared.#codec === codec && prepared.#encoded !== null) return prepared.#encoded;
    const encoded = codec.encode(c, prepared.#payload);
    if (codec.sharesEncoding === true) {
      prepared.#codec = codec;
      prepared.#encoded = encoded;
    }
    return encoded;
  }
}

/** What connections, handles and `broadcast` send. */
export type Sendable = Bytes | Prepared;

/**
 * Prepares a payload that many connections get: `c.asyncWrite(prepared)`, `handle.write(prepared)`,
 * `server.broadcast(prepared)`, or as a reply. Copies the bytes once, now; a string becomes UTF-8. A
 * built-in codec then encodes it once for all connections of a loop. A large payload leaves from this
 * one copy; gnet copies only what a full kernel buffer leaves over. `postMessage` cannot carry it:
 * handles and `broadcast` bring its bytes to other threads. @throws `ErrInvalidReply` if `data` is
 * neither bytes nor a string.
 */
export function prepare(data: Bytes): Prepared {
  const isText = typeof data === 'string';
  if (!isText && !(data instanceof Uint8Array)) {
    throw new ErrInvalidReply(
      `cannot prepare a ${data === null ? 'null' : typeof data}: give a Uint8Array or a string`,
    );
  }
  const payload = Buffer.allocUnsafeSlow(isText ? Buffer.byteLength(data) : data.length);
  if (isText) payload.write(data, 0, 'utf8');
  else payload.set(data);
  return new Prepared(payload);
}

/** What stands behind both: bytes that a driver, a queue or another thread may be given. */
export function plainBytes(data: Sendable): Bytes {
  return Prepared.is(data) ? Prepared.payloadOf(data) : data;
}
