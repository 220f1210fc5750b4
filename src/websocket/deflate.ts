import { promisify } from 'node:util';
import { constants, deflateRaw, deflateRawSync, inflateRaw, inflateRawSync } from 'node:zlib';
import { splitList } from './list.ts';

/** What both sides have agreed on (RFC 7692). */
export interface DeflateAgreement {
  /** What we send begins anew with each message. */
  readonly ownReset: boolean;
  /** What we receive does. */
  readonly peerReset: boolean;
  /** Bits of the window that we may look back in, 9 to 15. */
  readonly ownWindowBits: number;
}

export interface DeflateOptions {
  /** Bytes of a message from which on it is compressed. Default 1,024. */
  readonly threshold?: number;
  /**
   * Whether a message may refer to those before it: smaller ones, for up to 64 KiB of memory for each
   * connection, and more work. Default false.
   */
  readonly contextTakeover?: boolean;
  /** 0 to 9. Default 1: much of the gain for little of the work. */
  readonly level?: number;
  /**
   * Bytes of a message, uncompressed, from which on another thread compresses and decompresses it, so
   * that the other connections of the loop need not wait. Default 65,536.
   */
  readonly otherThreadBytes?: number;
}

const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);
/** An empty final block behind it: without one, a message that was cut off ends like a whole one. */
const END = Buffer.from([...TAIL, 0x01, 0x00, 0x00, 0xff, 0xff]);
const WINDOW_BYTES = 32 * 1024;
const OTHER_THREAD_BYTES = 64 * 1024;
const EMPTY: Buffer = Buffer.alloc(0);

const deflateLater = promisify(deflateRaw);
const inflateLater = promisify(inflateRaw);

/** Parameters of one offer; null for one that makes no sense. */
function parametersOf(offer: string): Map<string, string> | null {
  const [name = '', ...parts] = splitList(offer, ';');
  if (name.toLowerCase() !== 'permessage-deflate') return null;
  const parameters = new Map<string, string>();
  for (const part of parts) {
    const [key = '', value = ''] = splitList(part, '=');
    const name = key.toLowerCase();
    if (parameters.has(name) || !isParameter(name, value, part.includes('='))) return null;
    parameters.set(name, value.replaceAll('"', ''));
  }
  return parameters;
}

function isParameter(name: string, value: string, hasValue: boolean): boolean {
  switch (name) {
    case 'server_no_context_takeover':
    case 'client_no_context_takeover':
      return !hasValue;
    case 'client_max_window_bits':
      return !hasValue || isWindowBits(value);
    case 'server_max_window_bits':
      return isWindowBits(value);
    default:
      return false;
  }
}

function isWindowBits(value: string): boolean {
  return /^("?)(?:[89]|1[0-5])\1$/.test(value);
}

/** The first offer of a client that can be kept to, with the answer to it. */
export function acceptOffer(
  header: string,
  options: DeflateOptions,
): { readonly agreement: DeflateAgreement; readonly answer: string } | null {
  for (const offer of header.split(',')) {
    const parameters = parametersOf(offer);
    if (parameters === null) continue;
    const bits = Number(parameters.get('server_max_window_bits') ?? '15');
    // zlib has no window of 8 bits for raw data.
    if (bits < 9) continue;
    const takeover = options.contextTakeover === true;
    const ownReset = !takeover || parameters.has('server_no_context_takeover');
    const peerReset = !takeover || parameters.has('client_no_context_takeover');
    let answer = 'permessage-deflate';
    if (ownReset) answer += '; server_no_context_takeover';
    if (peerReset) answer += '; client_no_context_takeover';
    if (parameters.has('server_max_window_bits')) answer += `; server_max_window_bits=${bits}`;
    return { agreement: { ownReset, peerReset, ownWindowBits: bits }, answer };
  }
  return null;
}

/** What a client offers. */
export function offerOf(options: DeflateOptions): string {
  const resets = 'client_no_context_takeover; server_no_context_takeover';
  const offer = 'permessage-deflate; client_max_window_bits';
  return options.contextTakeover === true ? offer : `${offer}; ${resets}`;
}

/** What a server has answered to our offer; null when it is none that we can keep to. */
export function acceptAnswer(header: string, options: DeflateOptions): DeflateAgreement | null {
  const parameters = parametersOf(header);
  if (parameters === null) return null;
  const bits = Number(parameters.get('client_max_window_bits') || '15');
  if (bits < 9) return null;
  const takeover = options.contextTakeover === true;
  const peerReset = parameters.has('server_no_context_takeover');
  // Without it the server goes on from message to message, which we did not ask for.
  if (!takeover && !peerReset) return null;
  const ownReset = !takeover || parameters.has('client_no_context_takeover');
  return { ownReset, peerReset, ownWindowBits: bits };
}

/**
 * Compresses and decompresses the messages of one connection, one after the other. Without takeover it
 * keeps nothing.
 */
export class Deflate {
  readonly #agreement: DeflateAgreement;
  readonly #level: number;
  readonly threshold: number;
  /** Longer messages are for another thread. */
  readonly otherThreadBytes: number;
  /** The last bytes that were sent and received, which the next messages may refer to. */
  #sent: Buffer = EMPTY;
  #received: Buffer = EMPTY;

  constructor(agreement: DeflateAgreement, options: DeflateOptions) {
    this.#agreement = agreement;
    this.#level = options.level ?? 1;
    this.threshold = options.threshold ?? 1_024;
    this.otherThreadBytes = options.otherThreadBytes ?? OTHER_THREAD_BYTES;
  }

  compress(payload: Uint8Array): Buffer {
    return this.#compressed(payload, deflateRawSync(payload, this.#outOptions()));
  }

  /** The same on another thread. */
  async compressLater(payload: Uint8Array): Promise<Buffer> {
    return this.#compressed(payload, await deflateLater(payload, this.#outOptions()));
  }

  /** Never ends with a final block: some clients then take no later message. */
  #outOptions() {
    return {
      level: this.#level,
      windowBits: this.#agreement.ownWindowBits,
      finishFlush: constants.Z_SYNC_FLUSH,
      ...(this.#sent.length > 0 && { dictionary: this.#sent }),
    };
  }

  #compressed(payload: Uint8Array, bytes: Buffer): Buffer {
    const { ownReset, ownWindowBits } = this.#agreement;
    if (!ownReset) this.#sent = follow(this.#sent, payload, 2 ** ownWindowBits);
    // The end that every message has is left out; an empty one keeps a byte.
    const end = bytes.length - TAIL.length;
    return end > 0 ? bytes.subarray(0, end) : Buffer.from([0]);
  }

  /** @throws an error of zlib; `ERR_BUFFER_TOO_LARGE` beyond `lengthMax`. */
  decompress(payload: Uint8Array, lengthMax: number): Buffer {
    return this.#decompressed(inflateRawSync(withEnd(payload), this.#inOptions(lengthMax)));
  }

  /** The same on another thread. */
  async decompressLater(payload: Uint8Array, lengthMax: number): Promise<Buffer> {
    return this.#decompressed(await inflateLater(withEnd(payload), this.#inOptions(lengthMax)));
  }

  #inOptions(maxOutputLength: number) {
    return {
      maxOutputLength,
      ...(this.#received.length > 0 && { dictionary: this.#received }),
    };
  }

  #decompressed(bytes: Buffer): Buffer {
    if (!this.#agreement.peerReset) this.#received = follow(this.#received, bytes, WINDOW_BYTES);
    return bytes;
  }
}

function withEnd(payload: Uint8Array): Buffer {
  return Buffer.concat([payload, END]);
}

/** The last `length` bytes of both. */
function follow(before: Buffer, bytes: Uint8Array, length: number): Buffer {
  if (bytes.length >= length) return Buffer.from(bytes.subarray(bytes.length - length));
  const kept = Math.min(before.length, length - bytes.length);
  return Buffer.concat([before.subarray(before.length - kept), bytes]);
}

/** What inflating has thrown says that the message has more than `lengthMax` bytes. */
export function isTooLong(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
}
