import net from 'node:net';
import { BytePattern, PatternCheck } from '../../testing/byte-pattern.ts';
import { Random, targetOf } from 'gnet/testing';
import { answerCommands } from './client-process.ts';

export interface EchoPlan {
  readonly addresses: readonly string[];
  /** Per address. */
  readonly connections: number;
  /** Per connection. */
  readonly bytes: number;
  readonly seed: number;
}

export interface EchoResult {
  readonly errors: string[];
  /** Pieces that the echo came back in. */
  readonly chunks: number;
}

interface Outcome {
  readonly error: string | null;
  readonly chunks: number;
}

/** 1 byte to 128 KiB, small ones as often as large ones. */
function randomSize(random: Random): number {
  return 1 + random.below(2 ** random.between(0, 17));
}

function writeAll(socket: net.Socket, pattern: BytePattern, bytes: number, random: Random): void {
  let offset = 0;
  const writeMore = (): void => {
    while (offset < bytes) {
      const length = Math.min(bytes - offset, randomSize(random));
      const open = socket.write(pattern.slice(offset, length));
      offset += length;
      if (!open) {
        socket.once('drain', writeMore);
        return;
      }
      // What is written in one turn may leave together: let some of it go alone.
      if (random.chance(1 / 4)) {
        setImmediate(writeMore);
        return;
      }
    }
    socket.end();
  };
  writeMore();
}

const stuckChecks = 5;
const checkMs = 20;

/** Reads nothing until nothing can be written either: every buffer on the way is full then. */
function resumeWhenStuck(socket: net.Socket): void {
  let written = 0;
  let same = 0;
  const timer = setInterval(() => {
    same = socket.bytesWritten - socket.writableLength === written ? same + 1 : 0;
    written = socket.bytesWritten - socket.writableLength;
    if (same < stuckChecks) return;
    clearInterval(timer);
    socket.resume();
  }, checkMs);
}

/** Writes a pattern and half-closes; everything must come back, then the end. */
function echoOne(address: string, bytes: number, seed: number): Promise<Outcome> {
  const random = new Random(seed);
  const pattern = new BytePattern(seed);
  const check = new PatternCheck(pattern);
  let chunks = 0;
  return new Promise((resolve) => {
    const socket = net.connect({ ...targetOf(address), allowHalfOpen: true });
    const finish = (problem: string | null): void => {
      const error = problem === null ? null : `${address}, seed ${seed}: ${problem}`;
      resolve({ error, chunks });
      socket.destroy();
    };
    socket.on('connect', () => {
      writeAll(socket, pattern, bytes, random);
      socket.pause();
      resumeWhenStuck(socket);
    });
    socket.on('data', (piece: Buffer) => {
      chunks++;
      check.add(piece);
      if (check.wrongAt >= 0) finish(`a wrong byte at or after ${check.wrongAt}`);
      if (!random.chance(1 / 16)) return;
      socket.pause();
      setTimeout(() => socket.resume(), random.chance(1 / 4) ? 30 : random.below(4));
    });
    socket.on('end', () => {
      finish(check.bytes === bytes ? null : `${check.bytes} of ${bytes} bytes came back`);
    });
    socket.on('error', (error) => finish(String(error)));
  });
}

answerCommands(async ({ addresses, connections, bytes, seed }: EchoPlan): Promise<EchoResult> => {
  const running: Promise<Outcome>[] = [];
  for (const address of addresses) {
    for (let index = 0; index < connections; index++) {
      running.push(echoOne(address, bytes, seed + running.length * 7_919));
    }
  }
  const outcomes = await Promise.all(running);
  return {
    errors: outcomes.map((outcome) => outcome.error).filter((error) => error !== null),
    chunks: outcomes.reduce((sum, outcome) => sum + outcome.chunks, 0),
  };
});
