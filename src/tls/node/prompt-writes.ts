import type { TLSSocket } from 'node:tls';

/** What Node puts between a socket of TLS and a stream that has no descriptor. */
interface Bridge {
  readonly _handle: unknown;
  finishWrite?(handle: unknown, errorNumber: number): void;
}

interface Bridged {
  readonly _handle?: { readonly _parentWrap?: Bridge } | null;
}

/**
 * Writes of a socket of `node:tls` that are over at once. Such a socket has one write under way, and
 * keeps what follows, until it hears that the write is done; Node lets it hear a turn later, when a close
 * may have come. There is no public way to tell it sooner. On runtimes that have no such bridge nothing
 * happens here, and what is written behind a write waits for that turn.
 */
export class PromptWrites {
  readonly #bridge: Required<Bridge> | null;

  constructor(socket: TLSSocket) {
    const bridge = (socket as unknown as Bridged)._handle?._parentWrap;
    this.#bridge = typeof bridge?.finishWrite === 'function' ? (bridge as Required<Bridge>) : null;
  }

  /** Whether anything happens here. */
  get arePossible(): boolean {
    return this.#bridge !== null;
  }

  /**
   * What was written to the stream is carried away: the socket may write what it kept meanwhile. Not to be
   * called from inside an event of the socket. What the bridge says itself later is of no effect.
   */
  finish(): void {
    const bridge = this.#bridge;
    if (bridge === null || bridge._handle === null) return;
    bridge.finishWrite(bridge._handle, 0);
  }
}
