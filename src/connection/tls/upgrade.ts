/** A plain connection becomes one with TLS, in the middle of its stream. */
import { ErrConnClosed, ErrInvalidOption, ErrUnsupportedOp } from '../../base/errors.ts';
import { readHeadroomBytes } from '../../base/limits.ts';
import type { TlsClientOptions, TlsServerOptions } from '../../tls/options/types.ts';
import { replayBytes } from '../replay-bytes.ts';
import type { LayerFactory } from '../layer.ts';
import type { StreamConnection } from '../stream-connection.ts';
import { dialledAs } from './dialled.ts';
import type { TlsEngine } from './engine.ts';
import { loadEngine } from './load-engine.ts';
import type { AnyClientContext, AnyServerContexts, LoopTls } from './loop-tls.ts';
import type { UpgradeOptions } from './upgrade-options.ts';

/** The same options object gives the same context, as long as the object exists. */
const serverContexts = new WeakMap<object, AnyServerContexts>();
const clientContexts = new WeakMap<object, AnyClientContext>();

/**
 * @param begun whether the connection can: its frames rest since then.
 * @throws ErrInvalidOption, ErrUnsupportedOp, ErrTlsUnavailable with the connection as it was; what the
 * handshake failed of, with the connection closed.
 */
export async function upgrade(
  connection: StreamConnection,
  options: UpgradeOptions,
  begun: boolean,
): Promise<void> {
  if (!begun) {
    throw new ErrUnsupportedOp(
      'cannot upgrade to TLS: the connection has TLS already, is on its way to it, or has ended; call ' +
        'upgradeTls once, on an open connection',
      { address: connection.remoteAddr },
    );
  }
  let make: (outcome: Outcome) => LayerFactory;
  try {
    if (typeof options !== 'object' || options === null) {
      throw new ErrInvalidOption(
        'cannot upgrade to TLS: give an object with key and cert, or with ca',
      );
    }
    const engine = await loadEngine();
    make = layerMaker(engine, connection, options);
    // What was written before goes out in clear: also the answer of the event that asked for this.
    await connection.clearOutbound();
  } catch (error) {
    connection.upgraded();
    throw error;
  }
  if (connection.isClosed || connection.isEnding) throw gone(connection);
  await new Promise<void>((done, failed) => {
    const received = connection.takeReceived();
    const layer = connection.owner.putUnder(connection, make({ done, failed }));
    layer.opened();
    replayBytes(layer, connection.owner.readPool, received);
    if (!connection.isClosed) connection.readHandshake();
  });
}

interface Outcome {
  readonly done: () => void;
  readonly failed: (error: Error) => void;
}

function layerMaker(
  engine: TlsEngine,
  connection: StreamConnection,
  options: UpgradeOptions,
): (outcome: Outcome) => LayerFactory {
  const { isServer, ...own } = options;
  const name = dialledAs(connection);
  const loop = loopOf(engine, connection);
  if (isServer ?? name === undefined) {
    let contexts = serverContexts.get(options);
    if (contexts === undefined) {
      contexts = engine.serverContexts(engine.readServerOptions(own as TlsServerOptions));
      serverContexts.set(options, contexts);
    }
    const made = contexts;
    return (outcome) => loop.accept(made, outcome);
  }
  const { servername } = own as TlsClientOptions;
  const host = name || undefined;
  refuseNameless(own as TlsClientOptions, host);
  let context = clientContexts.get(options);
  if (context === undefined) {
    context = engine.clientContext(own as TlsClientOptions);
    clientContexts.set(options, context);
  }
  const made = context;
  const key = `upgrade ${servername ?? host} ${connection.remoteAddr}`;
  return (outcome) => loop.dial(made, { ...outcome, host, key, opening() {}, upgrades: true });
}

/** Without a name any certificate of any trusted authority would do. */
function refuseNameless(options: TlsClientOptions, host: string | undefined): void {
  const { servername, checkServerIdentity, rejectUnauthorized } = options;
  if (servername || host !== undefined || checkServerIdentity !== undefined) return;
  if (rejectUnauthorized === false) return;
  throw new ErrInvalidOption(
    'cannot upgrade to TLS as a client without servername: gnet does not know which name the certificate ' +
      'must have; give servername, or checkServerIdentity',
  );
}

function loopOf(engine: TlsEngine, { owner }: StreamConnection): LoopTls {
  owner.tls ??= engine.loop(owner.readPool.slabBytes - readHeadroomBytes);
  return owner.tls;
}

function gone({ remoteAddr }: StreamConnection): ErrConnClosed {
  // Nobody asked for it while the socket could tell.
  const to = remoteAddr === '' ? '' : ` to ${remoteAddr}`;
  return new ErrConnClosed(
    `cannot upgrade to TLS: the connection${to} closed before the handshake began`,
    { address: remoteAddr },
  );
}
