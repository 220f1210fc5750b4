import type { GnetError } from '../../base/errors.ts';
import type { Transport } from '../../driver/transport.ts';
import type { ClientContext } from '../../tls/openssl/client-context.ts';
import type { ClientSession } from '../../tls/openssl/client-session.ts';
import type { ServerContexts } from '../../tls/openssl/server-contexts.ts';
import { type ContextChoice, ServerSession } from '../../tls/openssl/server-session.ts';
import type { LayeredConnection, LayerFactory } from '../layer.ts';
import { TlsLayer } from './openssl-layer.ts';
import { type DialledHandshake, type HandshakeOutcome, LoopTls } from './loop-tls.ts';

/** Reads of an open session after which a server is taken for one that gives no session to keep. */
const keepAttemptsMax = 4;

/** TLS by OpenSSL on one loop. */
export class OpensslLoop extends LoopTls<ServerContexts, ClientContext> {
  /** Asked when the hello is there: the contexts may have been replaced since the connection came. */
  readonly #current: ContextChoice = {
    contextFor: (name, session) => (this.contexts as ServerContexts).contextFor(name, session),
  };

  protected override serverLayer(
    connection: LayeredConnection,
    below: Transport,
    contexts: ServerContexts,
    isLive: boolean,
    outcome: HandshakeOutcome,
  ): TlsLayer {
    const { plainTextAnswer } = contexts.settings;
    const session = new ServerSession(isLive ? this.#current : contexts, plainTextAnswer);
    const handshake = { ...outcome, serverName: () => session.serverName };
    const shared = this.sharedOn(connection.owner.driver);
    const layer = new TlsLayer(connection, below, session, handshake, shared);
    session.onChosen = () => layer.chosen();
    return layer;
  }

  override dial(context: ClientContext, target: DialledHandshake): LayerFactory {
    return (connection, below) => {
      const { host, key, opening, done, failed, upgrades = false } = target;
      const session = context.open(host, key);
      const handshake = {
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
      const shared = this.sharedOn(connection.owner.driver);
      return new TlsLayer(connection, below, session, handshake, shared);
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
