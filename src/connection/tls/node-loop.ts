import type { Transport } from '../../driver/transport.ts';
import { type NodeClientContext, NodeClientTransport } from '../../tls/node/client-transport.ts';
import {
  type NodeContextChoice,
  type NodeServerContexts,
  NodeServerTransport,
} from '../../tls/node/server-transport.ts';
import type { LayeredConnection, LayerFactory } from '../layer.ts';
import type { Handshake } from './handshake-side.ts';
import { type DialledHandshake, type HandshakeOutcome, LoopTls } from './loop-tls.ts';
import { NodeLayer, type NodeTransportMaker } from './node-layer.ts';

/** TLS by `node:tls` on one loop. */
export class NodeLoop extends LoopTls<NodeServerContexts, NodeClientContext> {
  /** Asked when the hello is there: the contexts may have been replaced since the connection came. */
  readonly #current: NodeContextChoice = {
    contextFor: (name, asker) => (this.contexts as NodeServerContexts).contextFor(name, asker),
  };

  protected override serverLayer(
    connection: LayeredConnection,
    below: Transport,
    contexts: NodeServerContexts,
    isLive: boolean,
    outcome: HandshakeOutcome,
  ): NodeLayer {
    const choice = isLive ? this.#current : contexts;
    const { plainTextAnswer } = contexts.settings;
    let server: NodeServerTransport | undefined;
    const make: NodeTransportMaker = (under, receiver, pools) => {
      server = new NodeServerTransport(under, receiver, pools, choice, plainTextAnswer);
      return server;
    };
    const handshake = { ...outcome, serverName: () => server?.serverName };
    return this.#layer(connection, below, make, handshake);
  }

  override dial(context: NodeClientContext, target: DialledHandshake): LayerFactory {
    return (connection, below) => {
      const { host, key, opening, done, failed, upgrades = false } = target;
      let client: NodeClientTransport | undefined;
      const make: NodeTransportMaker = (under, receiver, pools) => {
        client = new NodeClientTransport(under, receiver, pools, { client: context, host, key });
        return client;
      };
      const handshake: Handshake = {
        upgrades,
        timeoutMs: context.handshakeTimeout,
        serverName: () => client?.serverName,
        accept() {
          opening();
          return null;
        },
        done,
        failed,
      };
      return this.#layer(connection, below, make, handshake);
    };
  }

  #layer(
    connection: LayeredConnection,
    below: Transport,
    make: NodeTransportMaker,
    handshake: Handshake,
  ): NodeLayer {
    const shared = this.sharedOn(connection.owner.driver);
    return new NodeLayer(connection, below, make, handshake, shared);
  }
}
