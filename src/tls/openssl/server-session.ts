import { assert } from '../../base/assert.ts';
import { isGnetError } from '../../base/thrown.ts';
import type { Slab } from '../../buffer/slab.ts';
import type { ClientHello } from '../client-hello.ts';
import type { TlsContext } from './context.ts';
import { noHello, unrecognizedName } from '../hello-constants.ts';
import { HelloCollector } from '../hello-collector.ts';
import { SSL_set_accept_state } from './bindings.ts';
import { chooseProtocol } from './callbacks.ts';
import { helloTooLong, noContextFor } from '../peer-errors.ts';
import { TlsSession } from './session.ts';
import { TlsState } from '../session-states.ts';

/** Which context a client gets. */
export interface ContextChoice {
  /**
   * The context of a name (undefined: none was asked for); null: it is not known yet, and `choose`
   * will be called. May throw a `GnetError`, which ends the handshake.
   */
  contextFor(serverName: string | undefined, session: ServerSession): TlsContext | null;
}

/** The server's side. It reads the client's first message before OpenSSL does. */
export class ServerSession extends TlsSession {
  readonly #choice: ContextChoice;
  readonly #plainTextAnswer: Uint8Array | undefined;
  #context: TlsContext | null = null;
  /** What was received before the context was known. */
  readonly #collector = new HelloCollector();
  #hello: ClientHello = noHello;
  /** What is to be sent that OpenSSL does not make: an alert, or an answer in clear. */
  #own: Uint8Array | null = null;
  protected readonly peerRole = 'the client';
  /** Called when a choice was made that `contextFor` had left open: `handshake` can go on. */
  onChosen: (() => void) | null = null;

  /** @param plainTextAnswer what a client gets in clear that speaks in clear. */
  constructor(choice: ContextChoice, plainTextAnswer?: Uint8Array) {
    super(TlsState.Hello);
    this.#choice = choice;
    this.#plainTextAnswer = plainTextAnswer;
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
    if (this.state === TlsState.Hello) this.#receiveHello(slab.bytes, start, end);
    else if (this.state === TlsState.Choosing) {
      this.#collector.keep(slab.bytes, start, end);
      this.dropInput();
    }
  }

  #receiveHello(bytes: Uint8Array, start: number, end: number): void {
    const collector = this.#collector;
    const first = collector.look(bytes, start, end);
    if (first === null) {
      this.dropInput();
      return;
    }
    switch (first.kind) {
      case 'plainText':
        this.#own = this.#plainTextAnswer ?? null;
        this.failAsPlainText(bytes.subarray(start, end));
        return;
      case 'incomplete':
        if (collector.isTooLong) this.fail(helloTooLong(this.peerName, this.origin));
        this.dropInput();
        return;
      case 'hello':
        this.#hello = first.hello;
        break;
      case 'unknown':
        break; // OpenSSL answers with the alert that fits
    }
    this.#chooseContext(bytes, start, end);
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
      if (this.#collector.isEmpty) this.#collector.keep(bytes, start, end);
      this.dropInput();
    }
  }

  #refuseName(error: unknown): void {
    this.#own = unrecognizedName;
    const { serverName } = this.#hello;
    this.fail(
      isGnetError(error) ? error : noContextFor(this.peerName, serverName, error, this.origin),
    );
  }

  override takeOutput(into: Slab, offset: number, limit: number): number {
    if (this.#own === null || limit < this.#own.length) {
      return super.takeOutput(into, offset, limit);
    }
    into.bytes.set(this.#own, offset);
    const { length } = this.#own;
    this.#own = null;
    return length;
  }

  override get hasOutput(): boolean {
    return this.#own !== null || super.hasOutput;
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
    return !this.#collector.isEmpty;
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
    chooseProtocol(context.protocolFor(this.#hello.protocols));
    // Tickets of the key before are read when one is shown, and new ones are made with the newest.
    const hello = this.#hello;
    if (hello.ticketKeyNames.length > 0) {
      context.useTicketKey(context.ticketKeys.keyFor(hello.ticketKeyNames), this.ssl);
      this.#hello = { ...hello, ticketKeyNames: [] };
    } else {
      context.useTicketKey(context.ticketKeys.newest, this.ssl);
    }
    // OpenSSL takes all of it, or fails.
    return this.advance(this.#collector.take());
  }
}
