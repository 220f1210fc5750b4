/** `gnet/stream`: connections of gnet under packages made for `node:net`, and as web streams. */
export { type AttachOptions, attach, connectionHandler } from './attach.ts';
export type {
  AttachedOptions,
  ConnectionHandlerOptions,
  ConnectionServer,
} from './attached-server.ts';
export type { ConnSocket, ConnSocketOptions } from './conn-socket.ts';
export {
  type ConnectCallback,
  type CreateConnection,
  createConnection,
} from './create-connection.ts';
export {
  type Datagram,
  type Datagrams,
  type DatagramsOptions,
  datagrams,
} from './datagrams.ts';
export type { Target } from './dialler.ts';
export { type FromSocketOptions, fromSocket } from './from-socket.ts';
export { type FramesOptions, frames } from './frames.ts';
export type { TlsConnSocket } from './tls-conn-socket.ts';
export { toDuplex } from './to-duplex.ts';
export { toWeb, type WebConnection, type WebOptions } from './to-web.ts';
