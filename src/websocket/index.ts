/** WebSockets (RFC 6455, RFC 7692), on the public face of the core and on `gnet/http`. */
export { connectWebSocket, type WebSocketClientOptions } from './client.ts';
export type { DeflateOptions } from './deflate.ts';
export { upgrade } from './handshake.ts';
export type {
  SendOptions,
  WebSocketConn,
  WebSocketHandler,
  WebSocketOptions,
} from './options.ts';
export { type PreparedMessage, prepareMessage } from './prepared.ts';
export { serveWebSocket, type WebSocketServerOptions } from './serve.ts';
