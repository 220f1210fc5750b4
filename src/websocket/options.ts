import type { Bytes, Conn } from '../index.ts';
import type { DeflateOptions } from './deflate.ts';
import type { PreparedMessage } from './prepared.ts';

/** One WebSocket, on either side. Use it on the thread of its loop. */
export interface WebSocketConn<Data = unknown> {
  /** For the program's own use. */
  data: Data;
  /** The subprotocol that both sides chose; empty without one. */
  readonly protocol: string;
  readonly remoteAddr: string;
  /** The connection of the core below: its counters, limits and id. */
  readonly conn: Conn<unknown>;
  readonly isOpen: boolean;
  /**
   * Sends one message: a string as text, bytes as binary unless `text` says otherwise. The bytes are
   * taken at the call. False: above `highWaterMark`, wait for `drain`; or it is closed, and nothing is
   * sent.
   */
  send(data: Bytes | PreparedMessage, options?: SendOptions): boolean;
  /** Sends a ping; its answer comes as `pong`. @throws RangeError beyond 125 bytes. */
  ping(data?: Bytes): void;
  /**
   * Says goodbye: what was sent before arrives, and `close` follows when the other side has answered.
   * @param code 1000, 1001 to 1003, 1007 to 1014, or 3000 to 4999. @param reason at most 123 bytes.
   * @throws RangeError for others.
   */
  close(code?: number, reason?: string): void;
  /** Ends it without a word; the other side sees 1006. */
  terminate(): void;
  /** Bytes that wait for the other side to take them. */
  readonly bufferedAmount: number;
}

export interface SendOptions {
  /** Bytes are text in UTF-8. Nobody checks that they are. */
  readonly text?: boolean;
  /** Whether to compress it, where the two sides have agreed on that; by default it depends on the length. */
  readonly compress?: boolean;
}

type Answer = Bytes | null | undefined | void;

/** Every event may be left out. What one throws closes its WebSocket with 1011, and is reported. */
export interface WebSocketHandler<Data = unknown> {
  /** The handshake is over. */
  open?(ws: WebSocketConn<Data>): void;
  /**
   * One message; `data` is lent until this returns, or until its promise settles, and holds UTF-8 that was
   * checked when `isText`. Bytes that it returns go out as a message of the same kind.
   */
  message?(ws: WebSocketConn<Data>, data: Buffer, isText: boolean): Answer | Promise<Answer>;
  /** What waited has gone out after a `send` that returned false. */
  drain?(ws: WebSocketConn<Data>): void;
  /** A ping has been answered; `data` is what it carried. */
  pong?(ws: WebSocketConn<Data>, data: Buffer): void;
  /** It is gone. 1005: closed without a code; 1006: without a goodbye. */
  close?(ws: WebSocketConn<Data>, code: number, reason: string): void;
}

/** Of every WebSocket of a server or a client. */
export interface WebSocketOptions<Data = unknown> {
  /** Bytes of the longest message; 1009 beyond it. Default 16 MiB. */
  readonly maxMessageBytes?: number;
  /** Compression: `true` for the defaults. Default false. */
  readonly deflate?: boolean | DeflateOptions;
  /** Subprotocols, the best first. */
  readonly protocols?: readonly string[];
  /**
   * Milliseconds of silence until the other side is pinged; after as long again without a byte it is gone
   * (1006). 0 is off. Default 30,000.
   */
  readonly pingInterval?: number;
  /** Milliseconds that the other side has to answer a goodbye. Default 5,000. */
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
const TIME_MAX = 2 ** 31 - 1;

/** @throws RangeError when one is wrong. */
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
  const compression = deflate === true ? {} : deflate === false ? null : deflate;
  return { maxMessageBytes, deflate: compression, protocols, pingInterval, closeTimeout };
}
