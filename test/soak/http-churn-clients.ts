import net from 'node:net';
import { Random } from '../../testing/random.ts';
import { targetOf } from '../../testing/raw-client.ts';
import type { ChurnPlan, ChurnResult } from './churn-clients.ts';
import { answerCommands } from './client-process.ts';

const head = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n${more}\r\n`;
const post = (length: number): string =>
  `POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\nConnection: close\r\n\r\n`;

interface Behaviour {
  readonly begin: (socket: net.Socket) => void;
  /** It ends by a reset of the client. */
  readonly aborts?: true;
}

const answered = (socket: net.Socket, then: () => void): void => void socket.once('data', then);

const behaviours: readonly Behaviour[] = [
  { begin: (socket) => socket.write(head('/', 'Connection: close\r\n')) },
  { begin: (socket) => socket.write(head('/').repeat(9) + head('/', 'Connection: close\r\n')) },
  { begin: (socket) => socket.write(head('/large', 'Connection: close\r\n')) },
  { begin: (socket) => socket.write(`${post(5)}hello`) },
  { begin: (socket) => socket.end(head('/')) },
  {
    begin: (socket) => {
      socket.write(head('/', 'Connection: Upgrade\r\nUpgrade: x\r\n'));
      answered(socket, () => socket.end('bye'));
    },
  },
  { aborts: true, begin: (socket) => socket.write(head('/'), () => socket.resetAndDestroy()) },
  {
    aborts: true,
    begin: (socket) => {
      socket.write(head('/large'));
      answered(socket, () => socket.resetAndDestroy());
    },
  },
  {
    aborts: true,
    begin: (socket) => {
      socket.write(`${post(100_000)}not all of it`);
      answered(socket, () => socket.resetAndDestroy());
    },
  },
];

function connectOnce(address: string, { begin }: Behaviour): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ ...targetOf(address), noDelay: true });
    socket.on('connect', () => begin(socket));
    socket.on('error', reject);
    socket.on('data', () => {});
    socket.on('close', () => resolve());
  });
}

answerCommands(async ({ address, connections, seed }: ChurnPlan): Promise<ChurnResult> => {
  const random = new Random(seed);
  let resets = 0;
  for (let count = 0; count < connections; count++) {
    const behaviour = behaviours[random.below(behaviours.length)] as Behaviour;
    if (behaviour.aborts) resets++;
    await connectOnce(address, behaviour);
  }
  return { resets };
});
