/** KCP: reliable, ordered messages over UDP, for games and bad links. */
export { type KcpClient, type KcpClientOptions, kcpClient } from './client.ts';
export type { KcpConn, KcpHandler } from './connection.ts';
export type { KcpOptions } from './options.ts';
export { type KcpServerOptions, serveKcp } from './serve-kcp.ts';
