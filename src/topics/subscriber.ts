/** Those who subscribe, and what they are given. */
import { type Bytes, type Conn, type Prepared, prepare } from '../index.ts';
import { type PreparedMessage, prepareMessage, type WebSocketConn } from '../websocket/index.ts';
import type { Delivered } from './backplane.ts';

/** Who can subscribe: a connection of the core, or a WebSocket. */
export type Subscriber = Conn | WebSocketConn;

/** What is sent to each: made once, however many there are. */
export class Message {
  /** As it came. */
  readonly delivered: Delivered;
  readonly data: Bytes;
  #plain: Prepared | null = null;
  #prepared: PreparedMessage | null = null;

  constructor(delivered: Delivered, data: Bytes) {
    this.delivered = delivered;
    this.data = data;
  }

  /** Bytes of the data. */
  get size(): number {
    return typeof this.data === 'string' ? Buffer.byteLength(this.data) : this.data.length;
  }

  /** For connections of the core. */
  get plain(): Prepared {
    this.#plain ??= prepare(this.data);
    return this.#plain;
  }

  /** For WebSockets. */
  get prepared(): PreparedMessage {
    this.#prepared ??= prepareMessage(this.data);
    return this.#prepared;
  }
}

const nothing = new Uint8Array(0);

function isWebSocket(subscriber: Subscriber): subscriber is WebSocketConn {
  return 'send' in subscriber;
}

/** Bytes that it has not taken. */
export function pendingOf(subscriber: Subscriber): number {
  return isWebSocket(subscriber) ? subscriber.bufferedAmount : subscriber.outboundBuffered();
}

/** Nothing reaches it any more, and its `leave` may have been before. */
export function isGone(subscriber: Subscriber): boolean {
  return isWebSocket(subscriber) ? !subscriber.isOpen : subscriber.isClosed;
}

/** Ends its connection, with what is pending. */
export function drop(subscriber: Subscriber): void {
  if (isWebSocket(subscriber)) subscriber.terminate();
  else subscriber.reset();
}

/** False when it has more pending than its high water mark, or is gone. @throws what its codec throws. */
export function give(subscriber: Subscriber, message: Message): boolean {
  if (isWebSocket(subscriber)) return subscriber.send(message.prepared);
  return subscriber.asyncWrite(message.plain);
}

/** Resolves when the kernel has what it has been given up to now, or it is gone. */
export async function whenTaken(subscriber: Subscriber): Promise<void> {
  if (isWebSocket(subscriber)) return subscriber.flushed();
  try {
    await subscriber.flushWrite(nothing, true);
  } catch {
    // It is gone.
  }
}
