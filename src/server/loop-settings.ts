import type { SocketExtras } from '../driver/contract.ts';
import type { EventLoopSettings } from '../loop/event-loop-settings.ts';
import { inDevelopment } from './development-mode.ts';
import type { ResolvedOptions } from './options.ts';

/** Undefined where none of it was asked for. */
export function socketExtras(options: ResolvedOptions): SocketExtras | undefined {
  const extras: SocketExtras = {
    keepIntervalSeconds: Math.ceil(options.tcpKeepInterval / 1_000),
    keepProbes: options.tcpKeepCount,
    device: options.bindToDevice,
    deferAcceptSeconds: Math.ceil(options.deferAccept / 1_000),
    fastOpenPending: options.fastOpen,
    congestion: options.congestion,
    takesDescriptors: options.receiveDescriptors,
  };
  const asked = Object.values(extras).some(
    (value) => value !== 0 && value !== '' && value !== false,
  );
  return asked ? extras : undefined;
}

/** The options of a server in the form that its loops take them. */
export function loopSettings(options: ResolvedOptions): EventLoopSettings {
  return {
    index: 0,
    readBufferBytes: options.readBufferCap,
    writeBufferBytes: options.writeBufferCap,
    maxConnections: options.maxConnections,
    ticker: options.ticker,
    shared: options.shared,
    busyPollMicroseconds: options.busyPoll,
    poisonFrames: inDevelopment(),
    slowHandlerMs: options.slowHandler,
    slowHandlerAsked: options.slowHandlerAsked,
    histograms: options.histograms,
    leaks: options.leakDetection,
    connection: {
      codec: options.codec,
      highWaterMark: options.highWaterMark,
      lowWaterMark: options.lowWaterMark,
      maxOutboundBytes: options.maxOutboundBytes,
      maxInboundBytes: options.maxInboundBytes,
      maxFrameLength: options.maxFrameLength,
      closeOnOverflow: options.overflow === 'close',
      pauseOnOverflow: options.overflow === 'pause',
      allowHalfOpen: options.allowHalfOpen,
      handshakeTimeout: options.handshakeTimeout,
      proxyProtocol: options.proxyProtocol,
      udpSessions: options.udpSessions,
      timeouts: {
        idleTimeout: options.idleTimeout,
        readTimeout: options.readTimeout,
        writeTimeout: options.writeTimeout,
        closeTimeout: options.closeTimeout,
      },
      socket: {
        backlog: options.backlog,
        reusePort: options.reusePort,
        tcpNoDelay: options.tcpNoDelay,
        keepAliveSeconds: options.keepAliveSeconds,
        receiveBufferBytes: options.socketRecvBuffer,
        sendBufferBytes: options.socketSendBuffer,
        extras: socketExtras(options),
        datagrams: options.udp,
      },
    },
  };
}
