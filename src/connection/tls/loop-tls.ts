import type { GnetError } from '../../base/errors.ts';
import type { Driver } from '../../driver/contract.ts';
import type { ClientContext } from '../../tls/client-context.ts';
import type { ClientSession } from '../../tls/client-session.ts';
import type { ServerContexts } from '../../tls/server-contexts.ts';
import { type ContextChoice, ServerSession } from '../../tls/server-session.ts';
import { cipherSlabBytes, plainSlabBytes } from '../../tls/tls-transport.ts';
import type { LayerFactory } from '../layer.ts';
import { HandshakeGate } from './handshake-gate.ts';
import { TlsLayer, type TlsCounts, type TlsShared } from './layer.ts';

/** Whom a client dials, and who hears what came of the handshake. */
export interface DialledHandshake {
  /** The name or IP address of the server; undefined for a path. */
  readonly host: string | undefined;
  /** Tells servers apart whose sessions are kept. */
  readonly key: string;
  /** The server is accepted, and `onOpened` comes next. */
  readonly opening: () => void;
  readonly done: () => void;
  readonly failed: (error: GnetError) => void;
  readonly upgrades?: boolean;
}

/** Who hears what came of the handshake of an upgrade. */
export interface AcceptedHandshake {
  readonly done: () => void;
  readonly failed: (error: GnetError) => void;
}

/** Reads of an open session after which a server is taken for one that gives no session to keep. */
const keepAttemptsMax = 4;

/** TLS on one loop: what its layers share, on either side. */
export class LoopTls {
  readonly counts: TlsCounts = { handshakes: 0, failures: 0, handshakeMs: 0 };
  /** For connections that come from now on. */
  contexts: ServerContexts | null = null;
  /** Asked when the hello is there: the contexts may have been replaced since the connection came. */
  readonly #choice: ContextChoice = {
    contextFor: (name, session) => (this.contexts as ServerContexts).contextFor(name, session),
  };
  readonly #gate = new HandshakeGate();
  readonly #readBufferBytes: number;
  #shared: TlsShared | null = null;

  constructor(readBufferBytes: number) {
    this.#readBufferBytes = readBufferBytes;
  }

  #sharedOn(driver: Driver): TlsShared {
    this.#shared ??= {
      pools: {
        plain: driver.slabPool(plainSlabBytes(this.#readBufferBytes)),
        cipher: driver.slabPool(cipherSlabBytes),
      },
      gate: this.#gate,
      counts: this.counts,
    };
    return this.#shared;
  }

  /** What stands under each connection that comes; undefined on a loop that only dials. */
  get layer(): LayerFactory | undefined {
    return this.contexts === null ? undefined : this.serve;
  }

  /** The server's side, with the contexts of the time when the connection begins. */
  readonly serve: LayerFactory = (connection, below) => {
    const contexts = this.contexts as ServerContexts;
    const session = new ServerSession(this.#choice);
    const { handshakeTimeout: timeoutMs } = contexts.settings;
    const serverName = (): string | undefined => session.serverName;
    const shared = this.#sharedOn(connection.host.driver);
    const layer = new TlsLayer(connection, below, { session, timeoutMs, serverName }, shared);
    session.onChosen = () => layer.chosen();
    return layer;
  };

  /** The server's side of a connection that was plain so far. */
  accept(contexts: ServerContexts, outcome: AcceptedHandshake): LayerFactory {
    return (connection, below) => {
      const session = new ServerSession(contexts);
      const handshake = {
        ...outcome,
        session,
        upgrades: true,
        timeoutMs: contexts.settings.handshakeTimeout,
        serverName: () => session.serverName,
      };
      const layer = new TlsLayer(
        connection,
        below,
        handshake,
        this.#sharedOn(connection.host.driver),
      );
      session.onChosen = () => layer.chosen();
      return layer;
    };
  }

  /** The loop is over. */
  dispose(): void {
    this.contexts?.dispose();
  }

  /** The client's side of one connection. */
  dial(context: ClientContext, target: DialledHandshake): LayerFactory {
    return (connection, below) => {
      const { host, key, opening, done, failed, upgrades = false } = target;
      const session = context.open(host, key);
      const handshake = {
        session,
        upgrades,
        timeoutMs: context.handshakeTimeout,
        serverName: () => session.settings.serverName,
        accept(): GnetError | null {
          const error = context.identityError(session, host ?? '');
          if (error === null) opening();
          return error;
        },
        done,
        failed,
        heard: keeper(context, session, key),
      };
      return new TlsLayer(connection, below, handshake, this.#sharedOn(connection.host.driver));
    };
  }
}

/** The server may send a session at any time; the first one is kept. */
function keeper(context: ClientContext, session: ClientSession, key: string): () => void {
  let left = keepAttemptsMax;
  return () => {
    if (left === 0) return;
    left--;
    if (context.keepSession(session, key)) left = 0;
  };
}
