/** The public face. Everything a program needs is here, or under `gnet/codec`. */
export * from './base/errors.ts';
export * from './codec/index.ts';
export * from './tls/errors.ts';
export type {
  TlsClientOptions,
  TlsContextOptions,
  TlsServerOptions,
} from './tls/options/types.ts';
export { Action } from './connection/action.ts';
export type { Bytes, Conn, ConnId, KeepAliveTimes, TcpInfo, Timeouts } from './connection/conn.ts';
export type { ChannelMessages } from './connection/channel-messages.ts';
export type { Flow } from './connection/conn-settings.ts';
export type { HistogramStats, HistogramsOfLoop } from './connection/loop-histograms.ts';
export type { LoopView as EventLoop, RegisterOptions } from './connection/conn.ts';
export type { EventHandler, Reply, TickReply } from './connection/conn.ts';
export { type Prepared, prepare, type Sendable } from './connection/prepared.ts';
export { EventServer } from './connection/event-server.ts';
export type { Server } from './connection/conn.ts';
export type {
  ConnectionInfo,
  ConnHandle,
  GroupOptions,
  ListOptions,
  LoopStats,
  RestartOptions,
  RestartResult,
  ServerStats,
  StopOptions,
  StopResult,
  TlsStats,
} from './connection/server-view.ts';
export type {
  ProxiedConnection,
  ProxiedTls,
  ProxyExtension,
} from './connection/proxy-protocol/format.ts';
export type { TlsInfo } from './connection/tls/info.ts';
export type { UpgradeOptions } from './connection/tls/upgrade-options.ts';
export type { ProxyHeader } from './connection/proxy-protocol/write-header.ts';
export type { GivenDriver } from './driver/given-driver.ts';
export type { LogLevel } from './logging/log-level.ts';
export type { Logger, LoggerOption } from './logging/logger.ts';
export {
  LoadBalancing,
  type Options,
  type ProxyProtocolOption,
  TCPSocketOpt,
} from './server/options.ts';
export type { LeakDetectionOption, LeakLevel } from './server/leak-option.ts';
export type { UdpOptions, UdpSessionsOption } from './server/udp-options.ts';
export { type Client, type ClientOptions, client } from './server/client.ts';
export type { Link, LinkOptions } from './server/link.ts';
export type { LinkPool, PoolOptions } from './server/link-pool.ts';
export type { ReconnectOptions } from './server/reconnecting.ts';
export type { DialOptions } from './server/dial-options.ts';
export type { GracefulOptions, RestartSignal } from './server/restart/settings.ts';
export { serve, stop } from './server/serve.ts';
export { type SignalOptions, signalServer } from './server/signal-server.ts';
export { connHandle } from './mailbox/conn-handle.ts';
export type { LoopContext } from './worker/handler-module.ts';
export { isMainLoop, loopIndex } from './worker/loop-thread-data.ts';
