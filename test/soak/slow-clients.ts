import net from 'node:net';
import { targetOf } from 'gnet/testing';
import { answerCommands } from './client-process.ts';

export interface SlowPlan {
  readonly address: string;
  readonly readers: number;
}

/** Resolves when it is connected; never reads, and comes back each time the server throws it out. */
function neverRead(address: string): Promise<void> {
  return new Promise((resolve) => {
    const connect = (): void => {
      const socket = net.connect(targetOf(address));
      socket.pause();
      socket.on('connect', () => {
        resolve();
        watchForReset(socket);
      });
      socket.on('error', () => {});
      socket.on('close', connect);
    };
    connect();
  });
}

/** A socket that is not read does not hear of a reset; a write does. */
function watchForReset(socket: net.Socket): void {
  const timer = setInterval(() => socket.write('?'), 250);
  socket.on('close', () => clearInterval(timer));
}

answerCommands(async ({ address, readers }: SlowPlan): Promise<void> => {
  for (let count = 0; count < readers; count++) await neverRead(address);
});
