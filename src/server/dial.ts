import { captureOrigin, type Origin } from '../base/origin.ts';
import { ErrTimeout, ErrUnsupportedOp, GnetError } from '../base/errors.ts';
import type { Conn, EventHandler } from '../connection/conn.ts';
import type { Follower } from '../connection/follower.ts';
import { follow } from '../connection/following.ts';
import { ownHandlerEvents } from '../connection/handler-events.ts';
import { writeHeader } from '../connection/proxy-protocol/write-header.ts';
import type { DatagramSession } from '../connection/datagram-session.ts';
import type { StreamConnection } from '../connection/stream-connection.ts';
import type { LayerFactory } from '../connection/layer.ts';
import { rememberDialled } from '../connection/tls/dialled.ts';
import type { DialledHandshake } from '../connection/tls/loop-tls.ts';
import type { Endpoint } from '../driver/contract.ts';
import { captureScope } from '../host/event-scope.ts';
import type { Leaks } from '../connection/leaks.ts';
import { type ParsedAddress, parseAddress, resolveTargets } from './addresses.ts';
import { AddressRace, type CallingLoop, interleaved, type RaceOutcome } from './address-race.ts';
import { attemptDelayMs, calledFrom, checkDialOptions, type DialOptions } from './dial-options.ts';
import { afterLooks, patientTimer } from './patient-timer.ts';

/** The part of a loop that a call of `dial` needs. */
export interface DialingLoop extends CallingLoop {
  /** Follows the connection; null: nobody does. */
  readonly leaks: Leaks | null;
  /** A socket of datagrams that is connected there. */
  dialDatagrams(endpoint: Endpoint): Promise<DatagramSession>;
  /** Starts the connection, which the caller has set up. */
  begin(connection: StreamConnection, layers?: LayerFactory): void;
  /** Loads TLS if necessary, and makes the layer below one connection. */
  secure(target: DialledHandshake): Promise<LayerFactory>;
}

/** One call of `dial`: from the look-up of the name over its addresses to the open connection. */
export class Dial implements RaceOutcome {
  readonly promise: Promise<Conn>;
  readonly address: string;
  readonly #loop: DialingLoop;
  readonly #context: unknown;
  readonly #handler: EventHandler<unknown> | undefined;
  /** The PROXY header to begin with. */
  readonly #header: Buffer | undefined;
  /** Events of the connection run in the async context of the code that called `dial`. */
  readonly #scope = captureScope();
  /** Who dials again; null: nobody does. */
  readonly #follower: Follower | null;
  /** The call of `dial`; null where leaks are of no interest. */
  readonly #origin: Origin | null;
  readonly #wantsTls: boolean;
  readonly #signal: AbortSignal | undefined;
  readonly #onOver: (dial: Dial) => void;
  #timer: NodeJS.Timeout | undefined;
  #settle!: { resolve: (c: Conn) => void; reject: (error: unknown) => void };
  readonly #options: DialOptions;
  #race: AddressRace | null = null;
  /** TLS: the layer below the connection, and the connection during the handshake. */
  #layers: LayerFactory | undefined;
  #handshaking: StreamConnection | null = null;
  /** Of datagrams: of the address that the name service likes best. */
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
    follower: Follower | null = null,
  ) {
    const {
      context,
      handler,
      signal,
      timeout = 0,
      proxyHeader,
      tls = false,
    } = checkDialOptions(options);
    signal?.throwIfAborted();
    this.#loop = loop;
    this.#follower = follower;
    // What comes back is meant to stay.
    this.#origin = loop.leaks === null || follower !== null ? null : captureOrigin();
    this.#options = options;
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
      const putOff = (timer: NodeJS.Timeout): void => {
        this.#timer = timer;
      };
      putOff(patientTimer(timeout, () => afterLooks(loop, giveUp), putOff));
    }
    this.#begin().catch((error: unknown) => this.giveUp(error));
  }

  /** Rejects, and closes what was begun; no event was or will be called. Does nothing when it is over. */
  giveUp(reason: unknown): void {
    if (this.#over) return;
    this.#finish();
    this.#race?.giveUp();
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
    const { attemptDelay = attemptDelayMs, attemptTimeout = 0, localAddress } = this.#options;
    const targets = calledFrom(interleaved(await resolveTargets(parsed)), localAddress);
    if (this.#over) return;
    const times = { delay: attemptDelay, limit: attemptTimeout };
    this.#race = new AddressRace(this.#loop, targets, times, this);
    this.#race.next();
  }

  /** Nobody answers a connect of datagrams: it fails for lack of a way only. */
  async #beginDatagrams(parsed: ParsedAddress): Promise<void> {
    const { localAddress } = this.#options;
    const notTheirs = this.#wantsTls || this.#header !== undefined || localAddress !== undefined;
    if (notTheirs) throw streamsOnly(this.address);
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
    if (this.#follower !== null) session.follow(this.#follower);
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

  failed(error: GnetError): void {
    this.giveUp(error);
  }

  connected(connection: StreamConnection): void {
    if (this.#origin !== null) this.#loop.leaks?.dialled(connection, this.#origin);
    connection.context = this.#context;
    if (this.#handler !== undefined) connection.setHandler(this.#handler);
    if (this.#follower !== null) follow(connection, this.#follower);
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

function timedOut(address: string, limitMs: number): ErrTimeout {
  return new ErrTimeout(
    `cannot dial '${address}': it did not answer within ${limitMs} ms; raise timeout, or try later`,
    { address },
  );
}

export function streamsOnly(address: string): ErrUnsupportedOp {
  return new ErrUnsupportedOp(
    `cannot dial '${address}' with tls, proxyHeader or localAddress: datagrams do not support these options; leave them out`,
    { address },
  );
}
