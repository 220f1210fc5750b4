import { X509Certificate } from 'node:crypto';
import { channels } from '../../base/channels.ts';
import { ErrConnClosed, ErrTimeout, type GnetError } from '../../base/errors.ts';
import type { Slab } from '../../buffer/slab.ts';
import type { SessionFacts } from '../../tls/session-facts.ts';
import type { TlsReceiver } from '../../tls/transport-contract.ts';
import type { ChannelMessages } from '../channel-messages.ts';
import type { Conn } from '../conn.ts';
import type { LayeredConnection } from '../layer.ts';
import { OpeningLimit } from '../opening-limit.ts';
import { rememberTls, type TlsInfo } from './info.ts';

/** What the loop has counted; milliseconds of this thread for `handshakeMs`. */
export interface TlsCounts {
  handshakes: number;
  failures: number;
  handshakeMs: number;
}

/** How a handshake is done, and who hears of it. */
export interface Handshake {
  /** The connection is open already, in clear: the program knows of it. */
  readonly upgrades?: boolean;
  /** Milliseconds. */
  readonly timeoutMs: number;
  /** The name that the client asked for. */
  readonly serverName: () => string | undefined;
  /** The session is open, and the connection is about to be. An error refuses the peer after all. */
  readonly accept?: (() => GnetError | null) | undefined;
  /** The connection is open, after `onOpened`. */
  readonly done?: (() => void) | undefined;
  /** There will be no connection. Without it, the log hears of the error. */
  readonly failed?: ((error: GnetError) => void) | undefined;
  /** Something was received, or the connection ends, in an open session. */
  readonly heard?: (() => void) | undefined;
}

/** What is known of a session, whichever engine has it. */
export interface Agreed {
  /** `the client`, for messages. */
  readonly peerName: string;
  /** Whether `facts` can be asked. */
  readonly hasFacts: boolean;
  facts(): SessionFacts;
}

/**
 * What a layer of TLS is to its connection: passes on what the transport makes, and keeps what belongs
 * to the handshake from the connection.
 */
export class HandshakeSide implements TlsReceiver {
  readonly slot: number;
  readonly generation: number;
  readonly #connection: LayeredConnection;
  readonly #handshake: Handshake;
  readonly #counts: TlsCounts;
  readonly #session: Agreed;
  /** The peer has sent something: this is not just a port scan. */
  heard = false;
  isOpen = false;
  #over = false;
  /** When the stream opened; 0 if nobody wants to know. */
  #beganAt = 0;
  readonly limit: OpeningLimit;
  /** The transport calls whenever the runtime calls it: the time of the loop may be an old one. */
  readonly #callsOutsideTurns: boolean;
  #info: TlsInfo | undefined;

  constructor(
    connection: LayeredConnection,
    handshake: Handshake,
    counts: TlsCounts,
    session: Agreed,
    callsOutsideTurns = false,
  ) {
    this.slot = connection.slot;
    this.generation = connection.generation;
    this.#connection = connection;
    this.#handshake = handshake;
    this.#counts = counts;
    this.#session = session;
    this.#callsOutsideTurns = callsOutsideTurns;
    this.limit = new OpeningLimit(connection.owner, handshake.timeoutMs, () => this.#late());
    if (handshake.upgrades !== true) connection.notOpenedYet();
    rememberTls(connection, this);
  }

  /** The stream is open. */
  begin(): void {
    if (channels.tlsHandshake.hasSubscribers) this.#beganAt = performance.now();
    // The limit continues after a refusal: a peer that does not end its side must not stay for
    // ever.
    this.limit.start();
  }

  #late(): void {
    if (this.#connection.isClosed) return;
    const { timeoutMs } = this.#handshake;
    const error = new ErrTimeout(
      `cannot shake hands with ${this.#session.peerName}: the handshake was not over within ` +
        `${timeoutMs} ms; raise tls.handshakeTimeout for slower peers`,
      { address: this.#connection.remoteAddr },
    );
    this.giveUp(error);
    this.#connection.abort(error);
  }

  stopTimer(): void {
    this.limit.stop();
  }

  /** Something was received in an open session. */
  noteHeard(): void {
    this.#handshake.heard?.();
  }

  /** What was agreed on; undefined before that. */
  get info(): TlsInfo | undefined {
    if (this.#info !== undefined || !this.isOpen || !this.#session.hasFacts) return this.#info;
    const { peerCertificate, ...facts } = this.#session.facts();
    this.#info = {
      ...facts,
      servername: this.#handshake.serverName() ?? false,
      peerCertificate:
        peerCertificate === undefined ? undefined : new X509Certificate(peerCertificate),
    };
    return this.#info;
  }

  opened(): void {
    this.isOpen = true;
    const { accept, done } = this.#handshake;
    const refusal = accept?.() ?? null;
    if (refusal !== null) {
      this.refused(refusal);
      return;
    }
    this.#over = true;
    this.stopTimer();
    this.#counts.handshakes++;
    this.#tell(undefined);
    try {
      if (this.#handshake.upgrades === true) this.#connection.upgraded();
      else this.#connection.opened();
    } finally {
      done?.();
    }
  }

  received(slab: Slab, start: number, end: number): void {
    this.#renewTime();
    this.#connection.received(slab, start, end);
  }

  /** What comes now must not be stamped with a time before the thread was held up. */
  #renewTime(): void {
    if (this.#callsOutsideTurns) this.#connection.owner.currentTime();
  }

  bytesCame(): void {
    this.#connection.bytesCame();
  }

  ended(): void {
    this.#renewTime();
    this.#connection.ended();
  }

  writable(): void {
    this.#renewTime();
    this.#connection.writable();
  }

  refused(error: GnetError): void {
    this.giveUp(error);
    this.#connection.refused(error);
  }

  endedEarly(error: GnetError): void {
    if (this.#over) {
      this.#connection.endedEarly(error);
      return;
    }
    this.giveUp(error);
    this.#connection.abort(error);
  }

  failed(error: GnetError): void {
    this.giveUp(error);
    this.#connection.failed(error);
  }

  /** The stream is closed: the session ends with it. */
  closed(): void {
    this.stopTimer();
    this.giveUp(undefined);
  }

  /** The connection never opened, and never will. Undefined: something else has ended it. */
  giveUp(error: GnetError | undefined): void {
    if (this.#over) return;
    this.#over = true;
    const { failed } = this.#handshake;
    if (failed !== undefined) {
      failed(error ?? neverOpened(this.#connection.remoteAddr));
    } else if (error !== undefined && this.heard) {
      this.#connection.owner.report('a TLS handshake failed', error);
    }
    // A port that is only looked at is nothing to report.
    if (error === undefined || !(this.heard || failed !== undefined)) return;
    this.#counts.failures++;
    this.#tell(error);
  }

  #tell(error: GnetError | undefined): void {
    if (!channels.tlsHandshake.hasSubscribers) return;
    const message: ChannelMessages['gnet:tls.handshake'] = {
      connection: this.#connection as unknown as Conn,
      ms: this.#beganAt === 0 ? 0 : performance.now() - this.#beganAt,
      tls: error === undefined ? this.info : undefined,
      error,
    };
    channels.tlsHandshake.publish(message);
  }
}

function neverOpened(address: string): GnetError {
  return new ErrConnClosed(
    `cannot open a connection to ${address}: it was closed in the handshake of TLS; is the client stopped?`,
    { address },
  );
}
