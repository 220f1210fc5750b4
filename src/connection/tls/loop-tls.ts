import type { GnetError } from '../../base/errors.ts';
import type { Driver } from '../../driver/contract.ts';
import type { Transport } from '../../driver/transport.ts';
import type { ServerSettings } from '../../tls/server-settings.ts';
import { cipherSlabBytes, plainSlabBytes } from '../../tls/transport-contract.ts';
import type { Layer, LayeredConnection, LayerFactory } from '../layer.ts';
import { HandshakeGate } from './handshake-gate.ts';
import type { Handshake, TlsCounts } from './handshake-side.ts';
import type { TlsShared } from './openssl-layer.ts';

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

/** The contexts of a server in one thread, whichever engine has made them. */
export interface AnyServerContexts {
  readonly settings: ServerSettings;
  dispose(): void;
}

/** The same of a client. */
export interface AnyClientContext {
  readonly warnings: readonly string[];
  dispose(): void;
}

/** What of a handshake does not depend on the engine. */
export type HandshakeOutcome = Omit<Handshake, 'serverName'>;

/** TLS on one loop: what its layers share, on either side. One class for each engine. */
export abstract class LoopTls<
  Server extends AnyServerContexts = AnyServerContexts,
  Client extends AnyClientContext = AnyClientContext,
> {
  readonly counts: TlsCounts = { handshakes: 0, failures: 0, handshakeMs: 0 };
  /** For connections that come from now on. */
  contexts: Server | null = null;
  readonly #gate = new HandshakeGate();
  readonly #readBufferBytes: number;
  #shared: TlsShared | null = null;

  constructor(readBufferBytes: number) {
    this.#readBufferBytes = readBufferBytes;
  }

  protected sharedOn(driver: Driver): TlsShared {
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

  /** The layer below each accepted connection; undefined on a loop that only dials. */
  get layer(): LayerFactory | undefined {
    return this.contexts === null ? undefined : this.serve;
  }

  /** The server's side, with the contexts of the time when the hello is there. */
  readonly serve: LayerFactory = (connection, below) => {
    const contexts = this.contexts as Server;
    const { handshakeTimeout: timeoutMs } = contexts.settings;
    return this.serverLayer(connection, below, contexts, true, { timeoutMs });
  };

  /** The server's side of a connection that was plain so far. */
  accept(contexts: Server, outcome: AcceptedHandshake): LayerFactory {
    const { handshakeTimeout: timeoutMs } = contexts.settings;
    return (connection, below) => {
      const own = { ...outcome, upgrades: true, timeoutMs };
      return this.serverLayer(connection, below, contexts, false, own);
    };
  }

  /** @param isLive the contexts may be replaced until the hello is there. */
  protected abstract serverLayer(
    connection: LayeredConnection,
    below: Transport,
    contexts: Server,
    isLive: boolean,
    outcome: HandshakeOutcome,
  ): Layer;

  /** The client's side of one connection. */
  abstract dial(context: Client, target: DialledHandshake): LayerFactory;

  /** The loop is over. */
  dispose(): void {
    this.contexts?.dispose();
  }
}
