import type { Socket } from 'node:net';
import { type Behaviour, churn, type ChurnPlan } from './churn-one-by-one.ts';
import { answerCommands } from './client-process.ts';

const head = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n${more}\r\n`;
const post = (length: number): string =>
  `POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\nConnection: close\r\n\r\n`;

const answered = (socket: Socket, then: () => void): void => void socket.once('data', then);

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

answerCommands((plan: ChurnPlan) => churn(plan, behaviours));
