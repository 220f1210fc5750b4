import { ErrInvalidOption, ErrTimeout, ErrUnsupportedOp, GnetError } from '../base/errors.ts';
import type { Conn } from '../connection/conn.ts';
import type { EventHandler } from '../connection/conn.ts';
import { ownHandlerEvents } from '../connection/handler-calls.ts';
import { type ProxyHeader, writeHeader } from '../connection/proxy-protocol/write-header.ts';
import type { DatagramSession } from '../connection/datagram-session.ts';
import type { StreamConnection } from '../connection/stream-connection.ts';
import type { LayerFactory } from '../connection/layer.ts';
import { rememberDialled } from '../connection/tls/dialled.ts';
import type { DialledHandshake } from '../connection/tls/loop-tls.ts';
import type { Endpoint } from '../driver/contract.ts';
import { captureScope } from '../host/event-scope.ts';
import type { Attempt, DialOutcome } from '../loop/dialer.ts';
import { type ParsedAddress, parseAddress, resolveTargets } from './addresses.ts';
import { int32Max, invalidOption } from '../base/option-checks.ts';

/** How to dial; all of it may be left out. */
export interface DialOptions {
  /**
   * A handler for this connection alone, instead of the client's, `onOpened` included. Events that are
   * not the connection's (`tick`, `onInitComplete`, `onShutdown`) stay with the client's.
   */
  readonly handler?: EventHandler<never>;
  /** `c.context` of the connection, there before `onOpened`. */
  readonly context?: unknown;
  /** Aborting it gives up: `dial` rejects with its reason, and nothing is left open. */
  readonly signal?: AbortSignal;
  /** Milliseconds for name look-up and all attempts; then `ErrTimeout`. 0, the default, is off. */
  readonly timeout?: number;
  /** Speaks TLS, as to a `tls://` address, with the client's option `tls`: for `unix://`. */
  readonly tls?: boolean;
  /**
   * Sends this PROXY header ahead of everything else, for a server that wants to know for whom we call
   * (`proxyProtocol` of a gnet server; `accept-proxy` of HAProxy).
   */
  readonly proxyHeader?: ProxyHeader;
}

/** The part of a loop that a call of `dial` needs. */
export interface DialingLoop {
  dial(endpoint: Endpoint, outcome: DialOutcome): Attempt | null;
  abandonDial(attempt: Attempt): void;
  /** A socket of datagrams that is connected there. */
  dialDatagrams(endpoint: Endpoint): Promise<DatagramSession>;
  /** The connection, set up by whoever dialled, begins. */
  begin(connection: StreamConnection, layers?: LayerFactory): void;
  /** Loads TLS where it is not yet, and makes what stands under one connection. */
  secure(target: DialledHandshake): Promise<LayerFactory>;
}

/** One call of `dial`: from the look-up of the name over its addresses, in order, to the open connection. */
export class Dial implements DialOutcome {
  readonly promise: Promise<Conn>;
  readonly address: string;
  readonly #loop: DialingLoop;
  readonly #context: unknown;
  readonly #handler: EventHandler<unknown> | undefined;
  /** The PROXY header to begin with. */
  readonly #header: Buffer | undefined;
  /** Events of the connection run in the context of whoever called `dial`. */
  readonly #scope = captureScope();
  readonly #wantsTls: boolean;
  readonly #signal: AbortSignal | undefined;
  readonly #onOver: (dial: Dial) => void;
  #timer: NodeJS.Timeout | undefined;
  #settle!: { resolve: (c: Conn) => void; reject: (error: unknown) => void };
  #targets: readonly Endpoint[] = [];
  #tried = 0;
  #attempt: Attempt | null = null;
  /** TLS: what stands under the connection, and that connection while it shakes hands. */
  #layers: LayerFactory | undefined;
  #handshaking: StreamConnection | null = null;
  /** Of the address that the name service likes best. */
  #firstError: GnetError | null = null;
  /** As it was dialled; undefined for a path. */
  #host: string | undefined;
  #over = false;

  /**
   * @param onOver it is settled, or about to be: `onOpened` comes right after.
   * @throws ErrInvalidOption, or the reason of a signal that has aborted.
   */
  constructor(
    loop: DialingLoop,
    address: string,
    options: DialOptions,
    onOver: (dial: Dial) => void,
  ) {
    const { context, handler, signal, timeout = 0, proxyHeader, tls = false } = checked(options);
    signal?.throwIfAborted();
    this.#loop = loop;
    this.address = address;
    this.#context = context;
    if (handler !== undefined) ownHandlerEvents(handler as EventHandler<unknown>);
    this.#handler = handler as EventHandler<unknown> | undefined;
    this.#header = proxyHeader === undefined ? undefined : writeHeader(proxyHeader);
    this.#wantsTls = tls;
    this.#signal = signal;
    this.#onOver = onOver;
    this.promise = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    signal?.addEventListener('abort', this.#onAbort, { once: true });
    if (timeout > 0) {
      const giveUp = (): void => this.giveUp(timedOut(address, timeout));
      this.#timer = setTimeout(() => afterOneLook(giveUp), timeout);
    }
    this.#begin().catch((error: unknown) => this.giveUp(error));
  }

  /** Rejects, and closes what was begun; no event was or will be called. Does nothing when it is over. */
  giveUp(reason: unknown): void {
    if (this.#over) return;
    this.#finish();
    if (this.#attempt !== null) this.#loop.abandonDial(this.#attempt);
    this.#settle.reject(reason);
    this.#handshaking?.abort(undefined);
  }

  async #begin(): Promise<void> {
    const parsed = parseAddress(this.address);
    if (parsed.network.startsWith('udp')) return this.#beginDatagrams(parsed);
    // No host is this machine.
    if (parsed.network !== 'unix') this.#host = parsed.host || 'localhost';
    if (parsed.network === 'tls' || this.#wantsTls) {
      this.#layers = await this.#loop.secure(this.#handshakeWith(parsed));
    }
    this.#targets = await resolveTargets(parsed);
    this.#tryNext();
  }

  /** Nobody answers a connect of datagrams: it fails for lack of a way only. */
  async #beginDatagrams(parsed: ParsedAddress): Promise<void> {
    if (this.#wantsTls || this.#header !== undefined) throw streamsOnly(this.address);
    for (const target of await resolveTargets(parsed)) {
      if (this.#over) return;
      try {
        const session = await this.#loop.dialDatagrams(target);
        this.#datagramsOpen(session);
        return;
      } catch (error) {
        if (!(error instanceof GnetError)) throw error;
        this.#firstError ??= error;
      }
    }
    this.giveUp(this.#firstError);
  }

  #datagramsOpen(session: DatagramSession): void {
    if (this.#over) {
      session.abandon();
      return;
    }
    session.context = this.#context;
    if (this.#handler !== undefined) session.setHandler(this.#handler);
    session.runIn(this.#scope);
    this.#finish();
    session.open();
    this.#settle.resolve(session);
  }

  /** The dial is over when the handshake is: with its error, another address would answer the same. */
  #handshakeWith(parsed: ParsedAddress): DialledHandshake {
    const unix = parsed.network === 'unix';
    return {
      host: this.#host,
      key: unix ? parsed.path : `${parsed.host}:${parsed.port}`,
      opening: () => this.#finish(),
      done: () => this.#settle.resolve(this.#handshaking as StreamConnection),
      failed: (error) => {
        this.#handshaking = null;
        this.giveUp(error);
      },
    };
  }

  #tryNext(): void {
    if (this.#over) return;
    const target = this.#targets[this.#tried];
    if (target === undefined) {
      this.giveUp(this.#firstError);
      return;
    }
    this.#tried++;
    const attempt = this.#loop.dial(target, this);
    // One that failed at once has begun the next already.
    if (attempt !== null) this.#attempt = attempt;
  }

  failed(error: GnetError): void {
    this.#attempt = null;
    this.#firstError ??= error;
    this.#tryNext();
  }

  connected(connection: StreamConnection): void {
    connection.context = this.#context;
    if (this.#handler !== undefined) connection.setHandler(this.#handler);
    connection.runIn(this.#scope);
    if (this.#layers !== undefined) {
      this.#handshaking = connection;
      connection.notOpenedYet();
      if (this.#header !== undefined) connection.sendAhead(this.#header);
      this.#loop.begin(connection, this.#layers);
      return;
    }
    this.#finish();
    rememberDialled(connection, this.#host);
    try {
      if (this.#header !== undefined) connection.sendAhead(this.#header);
      this.#loop.begin(connection);
    } finally {
      this.#settle.resolve(connection);
    }
  }

  readonly #onAbort = (): void => this.giveUp(this.#signal?.reason);

  #finish(): void {
    this.#over = true;
    clearTimeout(this.#timer);
    // The signal may outlive many dials.
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#onOver(this);
  }
}

function checked(options: DialOptions): DialOptions {
  if (typeof options !== 'object' || options === null) {
    throw new ErrInvalidOption('cannot dial: give an object such as { timeout: 5000 }');
  }
  const { signal, timeout = 0, tls = false } = options;
  if (typeof tls !== 'boolean') {
    throw invalidOption(
      'tls',
      tls,
      'true or false; what to use stands in the option tls of client()',
    );
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw invalidOption('signal', signal, 'the signal of an AbortController');
  }
  if (typeof timeout !== 'number' || !(timeout >= 0 && timeout <= int32Max)) {
    const wanted = `0 (off) or a number up to ${int32Max} (milliseconds)`;
    throw invalidOption('timeout', timeout, wanted);
  }
  return options;
}

/** A thread that was blocked has an answer waiting: the kernel is asked, and what it says handled, before. */
function afterOneLook(then: () => void): void {
  setImmediate(() => setImmediate(then));
}

function timedOut(address: string, limitMs: number): ErrTimeout {
  return new ErrTimeout(
    `cannot dial '${address}': it did not answer within ${limitMs} ms; raise timeout, or try later`,
    { address },
  );
}

function streamsOnly(address: string): ErrUnsupportedOp {
  return new ErrUnsupportedOp(
    `cannot dial '${address}' with tls or proxyHeader: datagrams have neither; leave the option out`,
    { address },
  );
}
