/** Sockets that the runtime has, and that a loop takes over. */
import type { Socket } from 'node:net';
import { ErrConnClosed, ErrUnsupportedOp } from '../base/errors.ts';

/** Why it cannot be taken over as it is, and what helps. */
function obstacle(socket: Socket): string | undefined {
  if ((socket as { encrypted?: unknown }).encrypted === true) {
    return "it speaks TLS, and nobody else has its keys; take the socket below it, or dial 'tls://…'";
  }
  if (socket.connecting || socket.pending) return "it is not connected; wait for 'connect'";
  if (socket.writableEnded) return 'its own side is ended; take it before end()';
  if (socket.writableLength > 0) {
    return 'bytes of it wait to be written; fromSocket of gnet/stream waits for them';
  }
  if (socket.readableEncoding !== null) {
    return 'its bytes are text already; take it before setEncoding()';
  }
  return undefined;
}

/** @throws ErrConnClosed, ErrUnsupportedOp, with the socket as it was. */
export function checkTakeOver(socket: Socket): void {
  if (socket.destroyed) {
    throw new ErrConnClosed('cannot take a socket over: it is closed; give one that is open');
  }
  const problem = obstacle(socket);
  if (problem !== undefined) throw new ErrUnsupportedOp(`cannot take a socket over: ${problem}`);
}

/** Its descriptor; -1 where the runtime tells none. */
export function descriptorOfSocket(socket: Socket): number {
  const { _handle: handle } = socket as { _handle?: { fd?: unknown } | null };
  const fd = handle?.fd;
  return typeof fd === 'number' && Number.isSafeInteger(fd) && fd >= 0 ? fd : -1;
}

/** The previous reader of the socket gets no more bytes. */
export function silence(socket: Socket): void {
  socket.unpipe();
  for (const event of ['data', 'readable', 'end', 'drain', 'timeout', 'error']) {
    socket.removeAllListeners(event);
  }
  socket.setTimeout(0);
}

/**
 * Closes it for the runtime alone, while somebody else has a duplicate of its descriptor: the peer sees
 * nothing of it. Returns what had been read and nobody had taken.
 */
export function letGo(socket: Socket): Buffer {
  silence(socket);
  const parts: Buffer[] = [];
  for (let part = socket.read(); part !== null; part = socket.read()) parts.push(part);
  socket.on('error', () => {}); // whatever becomes of it now, the connection is elsewhere
  socket.destroy();
  return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
}
