import net from 'node:net';
import { Random } from '../../testing/random.ts';
import { targetOf } from '../../testing/raw-client.ts';
import { answerCommands } from './client-process.ts';

export interface ChurnPlan {
  readonly address: string;
  readonly connections: number;
  readonly seed: number;
}

export interface ChurnResult {
  readonly resets: number;
}

/** What a client does once it is connected. */
const behaviours = {
  silent: (socket) => socket.end(),
  message: (socket) => {
    socket.write('hello');
    socket.once('data', () => socket.end());
  },
  /** The answer arrives after our end. */
  halfClose: (socket) => {
    socket.end('hello');
  },
  /** The server closes first. */
  goodbye: (socket) => {
    socket.write('bye');
    socket.once('end', () => socket.end());
  },
  reset: (socket) => {
    socket.resetAndDestroy();
  },
  /** With bytes under way in both directions. */
  messageAndReset: (socket) => {
    socket.write('hello', () => socket.resetAndDestroy());
  },
} satisfies Record<string, (socket: net.Socket) => void>;

type Behaviour = keyof typeof behaviours;
const names = Object.keys(behaviours) as Behaviour[];

function connectOnce(address: string, behaviour: Behaviour): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ ...targetOf(address), allowHalfOpen: true, noDelay: true });
    socket.on('connect', () => behaviours[behaviour](socket));
    socket.on('error', reject);
    socket.on('data', () => {});
    socket.on('close', () => resolve());
  });
}

answerCommands(async ({ address, connections, seed }: ChurnPlan): Promise<ChurnResult> => {
  const random = new Random(seed);
  let resets = 0;
  for (let count = 0; count < connections; count++) {
    const behaviour = names[random.below(names.length)] as Behaviour;
    if (behaviour === 'reset' || behaviour === 'messageAndReset') resets++;
    await connectOnce(address, behaviour);
  }
  return { resets };
});
