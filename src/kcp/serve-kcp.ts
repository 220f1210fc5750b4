import { type Conn, type Options, type Server, serve } from '../index.ts';
import { datagramAddress } from './address.ts';
import type { KcpConn, KcpHandler } from './connection.ts';
import { Conversations } from './conversations.ts';
import { type KcpOptions, kcpSettings, otherOptions } from './options.ts';

/** What belongs to streams, or is set from what KCP is told. */
type NotHere = 'codec' | 'tls' | 'udpSessions' | 'proxyProtocol' | keyof KcpOptions;

/** The options of KCP, and those options of `serve` that apply to datagrams. */
export type KcpServerOptions = KcpOptions &
  Omit<Options, NotHere> & {
    /** The most connections of each loop. Default 65,536. */
    readonly maxConnections?: number;
  };

const maxDefault = 65_536;

/**
 * Serves KCP at `kcp://host:port`. Peers speak plain KCP, without encryption and error correction.
 * @throws as `serve`; ErrInvalidOption for options of KCP.
 */
export async function serveKcp<Context = unknown>(
  handler: KcpHandler<Context>,
  address: string,
  options: KcpServerOptions = {},
): Promise<Server> {
  const settings = kcpSettings(options);
  const { maxConnections: max = maxDefault, ...others } = otherOptions(options);
  let server: Server | undefined;
  const stop = (): void => void server?.stop();
  const conversations = new Conversations(handler as KcpHandler, settings, max, stop);
  const udpSessions = { idleTimeout: settings.idleTimeout, max };
  type Under = Conn<KcpConn[] | undefined>;
  const events = {
    react(frame: Buffer | null, under: Under): void {
      if (frame !== null) conversations.came(frame, under);
    },
    onError: (under: Under, error: Error) => conversations.failed(under, error),
    signalClose: (under: Under) => conversations.signalClose(under),
    onClosed: (under: Under, error?: Error) => conversations.allOver(under, error),
  };
  server = await serve(events, datagramAddress(address), { ...others, udpSessions });
  return server;
}
