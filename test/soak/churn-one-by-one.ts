/** Clients that connect one after the other, each with a behaviour that a seed chooses. */
import net from 'node:net';
import { Random, targetOf } from 'gnet/testing';

export interface ChurnPlan {
  readonly address: string;
  readonly connections: number;
  readonly seed: number;
}

export interface ChurnResult {
  readonly resets: number;
}

export interface Behaviour {
  /** What a client does once it is connected. */
  readonly begin: (socket: net.Socket) => void;
  /** It ends by a reset of the client. */
  readonly aborts?: true;
}

function connectOnce(address: string, { begin }: Behaviour, options: object): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ ...targetOf(address), noDelay: true, ...options });
    socket.on('connect', () => begin(socket));
    socket.on('error', reject);
    socket.on('data', () => {});
    socket.on('close', () => resolve());
  });
}

export async function churn(
  { address, connections, seed }: ChurnPlan,
  behaviours: readonly Behaviour[],
  options: { readonly allowHalfOpen?: boolean } = {},
): Promise<ChurnResult> {
  const random = new Random(seed);
  let resets = 0;
  for (let count = 0; count < connections; count++) {
    const behaviour = behaviours[random.below(behaviours.length)] as Behaviour;
    if (behaviour.aborts) resets++;
    await connectOnce(address, behaviour, options);
  }
  return { resets };
}
