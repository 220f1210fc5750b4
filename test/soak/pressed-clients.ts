import net from 'node:net';
import { BytePattern, PatternCheck } from '../../testing/byte-pattern.ts';
import { Random, targetOf } from 'gnet/testing';
import { answerCommands } from './client-process.ts';

export interface PressedPlan {
  readonly address: string;
  readonly connections: number;
  /** Per connection. */
  readonly bytes: number;
  readonly seed: number;
}

const pieceBytesMax = 4_096;

/** Writes its part of the pattern in pieces and half-closes; all of it must come back, then the end. */
function echoOne(
  plan: PressedPlan,
  pattern: BytePattern,
  index: number,
  connected: () => void,
  everybody: Promise<void>,
): Promise<string | null> {
  const { address, bytes, seed } = plan;
  const random = new Random(seed + index);
  const first = index * 7_919;
  const check = new PatternCheck(pattern);
  check.bytes = first;
  return new Promise((resolve) => {
    const socket = net.connect({ ...targetOf(address), allowHalfOpen: true });
    const finish = (problem: string | null): void => {
      resolve(problem === null ? null : `connection ${index}: ${problem}`);
      socket.destroy();
    };
    let written = 0;
    const writeMore = (): void => {
      while (written < bytes) {
        const length = Math.min(bytes - written, 1 + random.below(pieceBytesMax));
        const open = socket.write(pattern.slice(first + written, length));
        written += length;
        if (!open) {
          socket.once('drain', writeMore);
          return;
        }
      }
      socket.end();
    };
    socket.on('connect', () => {
      connected();
      // All at once: that is what presses.
      void everybody.then(writeMore);
    });
    socket.on('data', (piece: Buffer) => {
      check.add(piece);
      if (check.wrongAt >= 0) finish(`a wrong byte at or after ${check.wrongAt - first}`);
    });
    socket.on('end', () => {
      const back = check.bytes - first;
      finish(back === bytes ? null : `${back} of ${bytes} bytes came back`);
    });
    socket.on('error', (error) => finish(String(error)));
  });
}

/** Answers with what went wrong. */
answerCommands(async (plan: PressedPlan): Promise<string[]> => {
  const pattern = new BytePattern(plan.seed);
  let missing = plan.connections;
  let start!: () => void;
  const everybody = new Promise<void>((resolve) => {
    start = resolve;
  });
  const connected = (): void => {
    missing--;
    if (missing === 0) start();
  };
  const running: Promise<string | null>[] = [];
  for (let index = 0; index < plan.connections; index++) {
    running.push(echoOne(plan, pattern, index, connected, everybody));
  }
  return (await Promise.all(running)).filter((problem) => problem !== null);
});
