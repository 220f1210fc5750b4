import { randomInt } from 'node:crypto';
import { type Client, type ClientOptions, client, type Conn } from '../index.ts';
import { datagramAddress } from './address.ts';
import { KcpConn, type KcpHandler, type KcpOwner } from './connection.ts';
import { type KcpOptions, kcpSettings, otherOptions } from './options.ts';

export type KcpClientOptions = KcpOptions & Omit<ClientOptions, 'codec' | 'tls' | keyof KcpOptions>;

/** An event loop on this thread for KCP connections that this program dials. */
export interface KcpClient<Context = unknown> extends AsyncDisposable {
  /**
   * Starts a conversation with `kcp://host:port` and resolves at once, after `onOpened`: KCP has no
   * handshake. If there is no peer, no message is ever acknowledged; `onError` may say why.
   * @throws as `client.dial`.
   */
  dial(address: string, options?: { readonly context?: Context }): Promise<KcpConn<Context>>;
  /** As of a `Client`: what is pending goes out once more, and nobody waits until it is acknowledged. */
  stop(): Promise<void>;
}

/** @throws as `client`; ErrInvalidOption for options of KCP. */
export async function kcpClient<Context = unknown>(
  handler: KcpHandler<Context>,
  options: KcpClientOptions = {},
): Promise<KcpClient<Context>> {
  const settings = kcpSettings(options);
  let made: Client | undefined;
  const owner: KcpOwner = {
    handler: handler as KcpHandler,
    settings,
    datagram: Buffer.alloc(settings.mtu),
    isCalled: false,
    shutdown: () => void made?.stop(),
    proven: () => {},
    over: (_conn, under) => under.close(),
  };
  const events = {
    react: (frame: Buffer | null, under: Conn<KcpConn>): void => {
      if (frame !== null) under.context.came(frame);
    },
    onError: (under: Conn<KcpConn>, error: Error): void => under.context.failed(error),
    signalClose: (under: Conn<KcpConn>): void | Promise<void> => under.context.signalClose(),
    onClosed: (under: Conn<KcpConn>, error?: Error): void => under.context.abort(error),
  };
  const opened: Client = await client(events, otherOptions(options));
  made = opened;
  return {
    async dial(address, { context } = {}) {
      let conn: KcpConn<Context> | undefined;
      const first = {
        ...events,
        onOpened(under: Conn<unknown>): void {
          conn = new KcpConn<Context>(owner, under, randomInt(1, 2 ** 32 - 1));
          conn.context = context as Context;
          under.context = conn;
          conn.opened();
        },
      };
      await opened.dial(datagramAddress(address), { handler: first });
      return conn as KcpConn<Context>;
    },
    async stop() {
      await opened.stop();
    },
    async [Symbol.asyncDispose]() {
      await opened.stop();
    },
  };
}
