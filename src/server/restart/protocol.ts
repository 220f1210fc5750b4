/**
 * What the process before and the process after a restart tell each other. The new one is told by a
 * variable of its environment what it inherits; everything else goes over a socket pair, a line of JSON
 * at a time.
 *
 *     before                                        after
 *       |  start, with descriptors                    |
 *       |-------------------------------------------->|  serve takes them; nothing is accepted yet
 *       |                        listening            |
 *       |<--------------------------------------------|
 *       |  stops reading datagrams                    |
 *       |  accept, with the keys of TLS tickets       |
 *       |-------------------------------------------->|  accepts and receives
 *       |                        accepting            |
 *       |<--------------------------------------------|
 *       |  leaves its listeners, drains               |
 *       |  yours                                      |
 *       |-------------------------------------------->|  writes its pid file
 *
 * If one side sees the pair close before `yours`, the other is gone, and it serves alone.
 */
import type { Endpoint } from '../../driver/contract.ts';

/** The variable by which a process knows that it takes over. */
export const inheritanceVariable = 'GNET_INHERITED';

/** The descriptor of the pair in the new process; those that are handed over follow it. */
export const channelDescriptor = 3;

/** One address of a server: its text, and what is listened on for it. */
export interface InheritedAddress {
  readonly text: string;
  /** Which server of the old process it is of. */
  readonly server: number;
  /** With the descriptors that the sockets have in the new process. */
  readonly endpoints: readonly Endpoint[];
}

export interface Inheritance {
  readonly version: 1;
  /** The process before. */
  readonly pid: number;
  /** Where the real standard error is while descriptor 2 is a pipe to the process before; or -1. */
  readonly standardError: number;
  readonly addresses: readonly InheritedAddress[];
  /** Those of the process before; its program may be one that did not tell. */
  readonly pidFiles?: readonly string[];
}

/** Keys of TLS session tickets of one server, in base64, newest first. Secret. */
export interface InheritedKeys {
  readonly server: number;
  readonly keys: readonly string[];
}

export type ToNew =
  | { readonly type: 'accept'; readonly ticketKeys: readonly InheritedKeys[] }
  | { readonly type: 'yours' };

export type FromNew =
  | { readonly type: 'listening' | 'accepting' }
  /** It cannot take over. */
  | { readonly type: 'failed'; readonly message: string }
  /** What it listens on that the process before did not. */
  | { readonly type: 'elsewhere'; readonly text: string }
  /** What the process before listens on and no call of `serve` here, so far. */
  | { readonly type: 'left'; readonly texts: readonly string[] };

/** No message is nearly that long: something else writes there. */
const lineBytesMax = 1024 * 1024;

/** Cuts messages out of what comes over the pair. */
export class MessageLines {
  #rest = '';

  /** @throws Error for what is no message. */
  push(piece: string): unknown[] {
    const lines = (this.#rest + piece).split('\n');
    this.#rest = lines.pop() ?? '';
    if (this.#rest.length > lineBytesMax) throw new Error('a message of a restart is too long');
    return lines.map((line) => JSON.parse(line) as unknown);
  }
}

export function messageLine(message: ToNew | FromNew): string {
  return `${JSON.stringify(message)}\n`;
}
