import type { Bytes, Conn } from '../index.ts';
import type { DeflateOptions } from './deflate.ts';
import type { PreparedMessage } from './prepared.ts';

/** One WebSocket, on either side. Use it on the thread of its loop. */
export interface WebSocketConn<Data = unknown> {
  /** A value for the program. */
  data: Data;
  /** The subprotocol that both sides chose; empty without one. */
  readonly protocol: string;
  readonly remoteAddr: string;
  /** The underlying connection: its counters, limits and id. */
  readonly conn: Conn<unknown>;
  readonly isOpen: boolean;
  /**
   * Sends one message: a string as text, bytes as binary unless `text` says otherwise. It copies or
   * sends the bytes during the call. Returns false above `highWaterMark` (then wait for `drain`),
   * or if the WebSocket is closed (nothing is sent).
   */
  send(data: Bytes | PreparedMessage, options?: SendOptions): boolean;
  /** Sends a ping; `pong` reports its answer. @throws RangeError beyond 125 bytes. */
  ping(data?: Bytes): void;
  /**
   * Sends a close frame after everything sent before; `close` follows when the peer has answered.
   * @param code 1000, 1001 to 1003, 1007 to 1014, or 3000 to 4999. @param reason at most 123 bytes.
   * @throws RangeError for others.
   */
  close(code?: number, reason?: string): void;
  /** Ends the connection without a close frame; the peer sees 1006. */
  terminate(): void;
  /** The number of bytes that the peer has not taken yet. */
  readonly bufferedAmount: number;
  /**
   * Resolves when the kernel has taken everything that was sent, also what waits to be compressed, or
   * when the WebSocket is gone. Never rejects.
   */
  flushed(): Promise<void>;
}

export interface SendOptions {
  /** Sends bytes as text; they must be valid UTF-8, which gnet does not check. */
  readonly text?: boolean;
  /**
   * Whether to compress, if both sides have agreed on compression; by default it depends on the
   * length.
   */
  readonly compress?: boolean;
}

type Answer = Bytes | null | undefined | void;

/**
 * Every event is optional. If one throws, or its promise rejects, gnet closes its WebSocket with
 * 1011 and reports the error. gnet waits for the promise of `message` only.
 */
export interface WebSocketHandler<Data = unknown> {
  /** The handshake is complete. */
  open?(ws: WebSocketConn<Data>): void;
  /**
   * One message has arrived. `data` is lent until this returns or its promise settles; with
   * `isText` it is checked UTF-8. Returned bytes go out as a message of the same kind.
   */
  message?(ws: WebSocketConn<Data>, data: Buffer, isText: boolean): Answer | Promise<Answer>;
  /** After a `send` that returned false: the waiting output has gone out. */
  drain?(ws: WebSocketConn<Data>): void;
  /** The peer has answered a ping; `data` is the ping's data. */
  pong?(ws: WebSocketConn<Data>, data: Buffer): void;
  /** The WebSocket is gone. 1005: the close frame had no code; 1006: there was no close frame. */
  close?(ws: WebSocketConn<Data>, code: number, reason: string): void;
}

/** The options of every WebSocket of a server or a client. */
export interface WebSocketOptions<Data = unknown> {
  /** The most bytes of a message; 1009 beyond it. Default 16 MiB. */
  readonly maxMessageBytes?: number;
  /** Compression: `true` for the defaults. Default false. */
  readonly deflate?: boolean | DeflateOptions;
  /** Subprotocols, the preferred one first: tokens, each once. */
  readonly protocols?: readonly string[];
  /**
   * Milliseconds of silence before gnet sends a ping. If the peer stays silent as long again, gnet
   * drops it (1006). 0 is off. Default 30,000.
   */
  readonly pingInterval?: number;
  /** Milliseconds that the peer has to answer a close frame. Default 5,000. */
  readonly closeTimeout?: number;
  /** The first value of `data`. */
  readonly data?: Data;
}

export interface ResolvedWebSocketOptions {
  readonly maxMessageBytes: number;
  readonly deflate: DeflateOptions | null;
  readonly protocols: readonly string[];
  readonly pingInterval: number;
  readonly closeTimeout: number;
}

const MESSAGE_MAX = 16 * 1024 * 1024;
export const TIME_MAX = 2 ** 31 - 1;
/** RFC 9110, 5.6.2. */
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;

/** @throws RangeError if one is wrong. */
export function resolveWebSocketOptions(options: WebSocketOptions): ResolvedWebSocketOptions {
  const { maxMessageBytes = MESSAGE_MAX, pingInterval = 30_000, closeTimeout = 5_000 } = options;
  if (!Number.isSafeInteger(maxMessageBytes) || maxMessageBytes < 1) {
    throw new RangeError(`maxMessageBytes is ${maxMessageBytes}: give a whole number from 1 on`);
  }
  for (const [name, value] of Object.entries({ pingInterval, closeTimeout })) {
    if (typeof value === 'number' && value >= 0 && value <= TIME_MAX) continue;
    throw new RangeError(`${name} is ${value}: give milliseconds from 0 to ${TIME_MAX}`);
  }
  const { deflate = false, protocols = [] } = options;
  checkProtocols(protocols);
  const compression = deflate === true ? {} : deflate === false ? null : deflate;
  if (compression !== null) checkDeflate(compression);
  return { maxMessageBytes, deflate: compression, protocols, pingInterval, closeTimeout };
}

/** They are written into a header, each as a token (RFC 6455, 4.1). @throws RangeError if one is wrong. */
function checkProtocols(protocols: readonly string[]): void {
  if (!Array.isArray(protocols)) throw new RangeError('protocols is no array: give one of names');
  for (const [index, name] of (protocols as readonly unknown[]).entries()) {
    if (typeof name !== 'string' || !TOKEN.test(name)) {
      throw new RangeError(
        `protocols has ${JSON.stringify(name)}: give names of letters, digits and !#$%&'*+-.^_\`|~`,
      );
    }
    if (protocols.indexOf(name) !== index) {
      throw new RangeError(`protocols has '${name}' twice: give each name once`);
    }
  }
}

/** @throws RangeError if one is wrong. */
function checkDeflate({ level = 1, threshold = 0, otherThreadBytes = 1 }: DeflateOptions): void {
  if (!Number.isInteger(level) || level < 0 || level > 9) {
    throw new RangeError(`deflate.level is ${level}: give a whole number from 0 to 9`);
  }
  if (!(threshold >= 0)) {
    throw new RangeError(`deflate.threshold is ${threshold}: give bytes from 0 on`);
  }
  if (!(otherThreadBytes >= 1)) {
    throw new RangeError(`deflate.otherThreadBytes is ${otherThreadBytes}: give bytes from 1 on`);
  }
}
