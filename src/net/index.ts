/** `gnet/net`: the shape of `node:net`, for programs that change an import: see `docs/streams.md`. */
import { BlockList, isIP, isIPv4, isIPv6, SocketAddress } from 'node:net';
import { createServer, Server } from './server.ts';
import { connect, Socket } from './socket.ts';

export { type ServerOptions, createServer, Server } from './server.ts';
export { type SocketOptions, connect, Socket } from './socket.ts';
export { connect as createConnection } from './socket.ts';
export { BlockList, isIP, isIPv4, isIPv6, SocketAddress } from 'node:net';

/** For `import net from`. */
export default {
  BlockList,
  connect,
  createConnection: connect,
  createServer,
  isIP,
  isIPv4,
  isIPv6,
  Server,
  Socket,
  SocketAddress,
};
