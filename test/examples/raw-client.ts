import { once } from 'node:events';
import { connect } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';

export interface RawClient {
  /** Sends the pieces one after another, each in a packet of its own as far as that can be had. */
  send(pieces: readonly (string | Uint8Array)[]): Promise<void>;
  /** Everything received so far, once it is `length` bytes or the server has ended. */
  receive(length: number): Promise<Buffer>;
  /** Everything, once the server has ended. */
  receiveAll(): Promise<Buffer>;
  /** Stops and goes on reading. */
  pause(): void;
  resume(): void;
  close(): void;
}

/** A client that knows no protocol, so that a test sees every byte. */
export async function rawClient(port: number): Promise<RawClient> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  const pieces: Buffer[] = [];
  let received = 0;
  let ended = false;
  let failure: Error | undefined;
  let notify: () => void = () => {};
  socket.on('data', (piece: Buffer) => {
    pieces.push(piece);
    received += piece.length;
    notify();
  });
  socket.on('error', (error) => {
    failure = error;
  });
  socket.on('close', () => {
    ended = true;
    notify();
  });
  const until = async (enough: () => boolean): Promise<Buffer> => {
    while (!enough() && !ended) {
      await new Promise<void>((resolve) => {
        notify = resolve;
      });
    }
    if (failure !== undefined) throw failure;
    return Buffer.concat(pieces);
  };
  return {
    async send(parts) {
      for (const part of parts) {
        socket.write(part);
        await nextTurn();
      }
    },
    receive: (length) => until(() => received >= length),
    receiveAll: () => until(() => false),
    pause: () => {
      socket.pause();
    },
    resume: () => {
      socket.resume();
    },
    close: () => {
      socket.destroy();
    },
  };
}
