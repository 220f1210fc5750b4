import { type Conn, type Options, type Server, serve } from '../index.ts';
import { KcpConn, type KcpHandler, type KcpOwner } from './connection.ts';
import { datagramAddress } from './address.ts';
import { type KcpOptions, kcpSettings, otherOptions } from './options.ts';
import { command, emptyHeader, readSegment } from './segment.ts';

/** What belongs to streams, or is set from what KCP is told. */
type NotHere = 'codec' | 'tls' | 'udpSessions' | 'proxyProtocol' | keyof KcpOptions;

/** The options of KCP, and those options of `serve` that apply to datagrams. */
export type KcpServerOptions = KcpOptions &
  Omit<Options, NotHere> & {
    /** The most connections of each loop. Default 65,536. */
    readonly maxConnections?: number;
  };

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
  const { maxConnections: max, ...others } = otherOptions(options);
  let server: Server | undefined;
  const owner: KcpOwner = {
    handler: handler as KcpHandler,
    settings,
    shutdown: () => void server?.stop(),
  };
  const header = emptyHeader();
  const begins = (frame: Buffer): boolean =>
    readSegment(frame, 0, header) && header.cmd === command.push && header.sn === 0;
  const udpSessions = { idleTimeout: settings.idleTimeout, max };
  const events = {
    react(frame: Buffer | null, under: Conn<KcpConn | undefined>): void {
      if (frame === null) return;
      const known = under.context;
      if (known !== undefined && frame.length >= 4 && frame.readUInt32LE(0) === known.conv) {
        known.came(frame);
      } else if (begins(frame)) {
        known?.ended(undefined);
        const made = new KcpConn(owner, under, header.conv);
        under.context = made;
        made.opened();
        made.came(frame);
      } else if (known === undefined) under.close(); // of nobody that is known
    },
    signalClose: (under: Conn<KcpConn | undefined>) => under.context?.signalClose(),
    onClosed(under: Conn<KcpConn | undefined>, error?: Error): void {
      under.context?.ended(error);
    },
  };
  server = await serve(events, datagramAddress(address), { ...others, udpSessions });
  return server;
}
