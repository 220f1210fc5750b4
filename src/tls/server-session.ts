import { assert } from '../base/assert.ts';
import { isGnetError } from '../base/thrown.ts';
import type { Slab } from '../buffer/slab.ts';
import { type ClientHello, readFirstBytes } from './client-hello.ts';
import type { TlsContext } from './context.ts';
import { ErrTlsHandshake } from './errors.ts';
import { helloBytesMax } from './limits.ts';
import { SSL_set_accept_state } from './openssl/bindings.ts';
import { chooseProtocol } from './openssl/callbacks.ts';
import { TlsSession } from './session.ts';
import { TlsState } from './session-states.ts';

/** Which context a client gets. */
export interface ContextChoice {
  /**
   * The context of a name (undefined: none was asked for); null: it is not known yet, and `choose`
   * will be called. May throw a `GnetError`, which ends the handshake.
   */
  contextFor(serverName: string | undefined, session: ServerSession): TlsContext | null;
}

/** A record with a fatal alert, in clear: OpenSSL knows nothing of this client yet. */
const unrecognizedName = Uint8Array.of(21, 3, 3, 0, 2, 2, 112);

const noHello: ClientHello = { serverName: undefined, protocols: [], ticketKeyNames: [] };

/** The server's side. It reads the client's first message before OpenSSL does. */
export class ServerSession extends TlsSession {
  readonly #choice: ContextChoice;
  #context: TlsContext | null = null;
  /** What was received before the context was known; null when nothing is kept. */
  #collected: Buffer | null = null;
  /** Bytes of `#collected` that are in use. */
  #length = 0;
  /** So many bytes of a hello are worth another look. */
  #needed = 0;
  #hello: ClientHello = noHello;
  /** An alert of our own that is to be sent. */
  #alert: Uint8Array | null = null;
  readonly peerName = 'the client';
  /** Called when a choice was made that `contextFor` had left open: `handshake` can go on. */
  onChosen: (() => void) | null = null;

  constructor(choice: ContextChoice) {
    super(TlsState.Hello);
    this.#choice = choice;
  }

  get context(): TlsContext | null {
    return this.#context;
  }

  /** What the client asked for. */
  get serverName(): string | undefined {
    return this.#hello.serverName;
  }

  override receive(slab: Slab, start: number, end: number): void {
    super.receive(slab, start, end);
    if (this.state === TlsState.Hello) this.#receiveHello(slab, start, end);
    else if (this.state === TlsState.Choosing) {
      this.#collect(slab.bytes, start, end);
      this.dropInput();
    }
  }

  #receiveHello(slab: Slab, start: number, end: number): void {
    let bytes: Uint8Array = slab.bytes;
    let [from, to] = [start, end];
    if (this.#collected !== null) {
      this.#collect(bytes, start, end);
      bytes = this.#collected;
      [from, to] = [0, this.#length];
      if (to < this.#needed) {
        this.dropInput();
        return;
      }
    }
    const first = readFirstBytes(bytes, from, to);
    switch (first.kind) {
      case 'plainText':
        this.failAsPlainText(bytes.subarray(from, to));
        return;
      case 'incomplete':
        this.#needed = first.needed;
        if (Math.max(to - from, first.needed) > helloBytesMax) this.#refuseLongHello();
        else if (this.#collected === null) this.#collect(bytes, from, to);
        this.dropInput();
        return;
      case 'hello':
        this.#hello = first.hello;
        break;
      case 'unknown':
        break; // OpenSSL answers with the alert that fits
    }
    this.#chooseContext(bytes, from, to);
  }

  #refuseLongHello(): void {
    this.fail(
      new ErrTlsHandshake(
        `cannot shake hands with the client: its first message has more than ${helloBytesMax} bytes`,
      ),
    );
  }

  #collect(bytes: Uint8Array, start: number, end: number): void {
    const length = this.#length + end - start;
    const before = this.#collected;
    if (before === null || length > before.length) {
      // Doubled, so that a hello that comes byte by byte is not copied for each. Not of the shared
      // pool: OpenSSL reads it by its address.
      const larger = Buffer.allocUnsafeSlow(Math.max(length, 2 * (before?.length ?? 0)));
      before?.copy(larger, 0, 0, this.#length);
      this.#collected = larger;
    }
    this.#collected?.set(bytes.subarray(start, end), this.#length);
    this.#length = length;
  }

  #chooseContext(bytes: Uint8Array, start: number, end: number): void {
    this.state = TlsState.Choosing;
    let context: TlsContext | null;
    try {
      context = this.#choice.contextFor(this.#hello.serverName, this);
    } catch (error) {
      this.#refuseName(error);
      return;
    }
    if (context !== null) {
      this.#begin(context);
    } else if (this.state === TlsState.Choosing) {
      if (this.#collected === null) this.#collect(bytes, start, end);
      this.dropInput();
    }
  }

  #refuseName(error: unknown): void {
    const name = this.#hello.serverName ?? '(none)';
    this.#alert = unrecognizedName;
    this.fail(
      isGnetError(error)
        ? error
        : new ErrTlsHandshake(`cannot shake hands: there is no context for the name ${name}`, {
            cause: error,
            alert: 'unrecognized_name',
          }),
    );
  }

  override takeOutput(into: Slab, offset: number, limit: number): number {
    if (this.#alert === null || limit < this.#alert.length) {
      return super.takeOutput(into, offset, limit);
    }
    into.bytes.set(this.#alert, offset);
    const { length } = this.#alert;
    this.#alert = null;
    return length;
  }

  override get hasOutput(): boolean {
    return this.#alert !== null || super.hasOutput;
  }

  /**
   * The context that `contextFor` did not know. Call `handshake` afterwards; what was received stands
   * ready. Does nothing when the session has failed or ended meanwhile.
   */
  choose(context: TlsContext): void {
    if (this.state !== TlsState.Choosing) return;
    this.#begin(context);
    if (this.#waiting) this.onChosen?.();
  }

  /** There is no context for this client. */
  refuse(error: unknown): void {
    if (this.state !== TlsState.Choosing) return;
    this.#refuseName(error);
    if (this.#waiting) this.onChosen?.();
  }

  get #waiting(): boolean {
    return this.#collected !== null;
  }

  #begin(context: TlsContext): void {
    assert(context.role === 'server', 'a server has the context of one');
    this.#context = context;
    this.attach(context);
    SSL_set_accept_state(this.ssl);
    this.state = TlsState.Handshaking;
  }

  override handshake(): boolean {
    const context = this.#context;
    if (context === null || this.state !== TlsState.Handshaking) return super.handshake();
    const collected = this.#collected?.subarray(0, this.#length) ?? null;
    chooseProtocol(context.protocolFor(this.#hello.protocols));
    // Tickets of the key before are read when one is shown, and new ones are made with the newest.
    const hello = this.#hello;
    if (hello.ticketKeyNames.length > 0) {
      context.useTicketKey(context.ticketKeys.keyFor(hello.ticketKeyNames));
      this.#hello = { ...hello, ticketKeyNames: [] };
    } else {
      context.useTicketKey(context.ticketKeys.newest);
    }
    // OpenSSL takes all of it, or fails.
    const open = this.advance(collected);
    this.#collected = null;
    return open;
  }
}
