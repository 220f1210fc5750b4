import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import {
  type Conn,
  ErrUnsupportedOp,
  type EventLoop,
  type RegisterOptions,
  type Server,
} from '../index.ts';

/** As `register` of a loop. */
export type FromSocketOptions = Pick<RegisterOptions, 'handler' | 'context'>;

/**
 * Moves an existing socket of Node to a loop, where it becomes a connection like any other. Pending
 * writes go out first; bytes that were read but not consumed are delivered first. A paused socket
 * stays paused until `resumeRead`. The `net.Socket` itself closes, unnoticed by its peer; on the
 * driver `node` it continues under the connection, without its listeners.
 *
 * Call it on the thread of the loop. Resolves after `onOpened`.
 * @param socket a `net.Socket`; node:http calls its own a `Duplex`.
 * @param to a loop of this thread, or a server or client that has one.
 * @param options `handler`: for this connection alone, `onOpened` included.
 * @throws ErrConnClosed for a closed socket; ErrUnsupportedOp for one with TLS, one that is not
 * connected, has ended its side or reads text, for a loop of another thread, and where the runtime
 * tells no descriptor; the error that broke what was being written. The socket stays as it was.
 */
export async function fromSocket(
  socket: Duplex,
  to: EventLoop | Server,
  options: FromSocketOptions = {},
): Promise<Conn> {
  const loop = 'loops' in to ? loopHere(to) : to;
  const given = socket as Socket;
  if (given.writableLength > 0 && !given.connecting) await written(given);
  return loop.register(given, options);
}

function loopHere(server: Server): EventLoop {
  const here = server.loops.find(({ isHere }) => isHere);
  if (here !== undefined) return here;
  throw new ErrUnsupportedOp(
    'cannot take a socket over: this server has no loop on this thread; use that of a client, or give the ' +
      'number of its descriptor to server.adopt',
  );
}

/** Everything that was written is in the kernel. */
function written(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.write('', (error) => (error ? reject(error) : resolve()));
  });
}
