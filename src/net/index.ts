/** `gnet/net`: the shape of `node:net`, for programs that change an import: see `docs/streams.md`. */
import { BlockList, isIP, isIPv4, isIPv6, SocketAddress } from 'node:net';
import { createServer, Server } from './server.ts';
import { connect, Socket } from './socket.ts';
import {
  BoundSocket,
  getDefaultAutoSelectFamily,
  getDefaultAutoSelectFamilyAttemptTimeout,
  setDefaultAutoSelectFamily,
  setDefaultAutoSelectFamilyAttemptTimeout,
} from './unsupported.ts';

export { type ServerOptions, createServer, Server } from './server.ts';
export { type SocketOptions, connect, Socket } from './socket.ts';
export { connect as createConnection, Socket as Stream } from './socket.ts';
export {
  BoundSocket,
  getDefaultAutoSelectFamily,
  getDefaultAutoSelectFamilyAttemptTimeout,
  setDefaultAutoSelectFamily,
  setDefaultAutoSelectFamilyAttemptTimeout,
} from './unsupported.ts';
export { BlockList, isIP, isIPv4, isIPv6, SocketAddress } from 'node:net';

/** For `import net from`. */
export default {
  BlockList,
  BoundSocket,
  connect,
  createConnection: connect,
  createServer,
  getDefaultAutoSelectFamily,
  getDefaultAutoSelectFamilyAttemptTimeout,
  isIP,
  isIPv4,
  isIPv6,
  Server,
  setDefaultAutoSelectFamily,
  setDefaultAutoSelectFamilyAttemptTimeout,
  Socket,
  SocketAddress,
  Stream: Socket,
};
