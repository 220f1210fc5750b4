import { setTimeout as sleep } from 'node:timers/promises';
import { type Conn, type EventHandler, LengthFieldBasedFrameCodec, serve } from 'gnet';
import { ClientProcess } from './client-process.ts';
import type { Soak, SoakContext } from './contract.ts';
import { FrameBlocks, hashBytes, hashOf, numberBytes } from './frame-blocks.ts';
import type { FramesPlan } from './frame-clients.ts';
import { mustBeFlat, settledState } from './process-state.ts';

/** Rings and slabs are as large as they get in the first tenth; pages of the collector move by some MiB. */
const allowedBytes = 12 * 1_024 * 1_024;
const allowedBytesSmall = 48 * 1_024 * 1_024;
const connections = 8;
const rounds = 10;

interface Place {
  next: number;
}

/** Each frame comes once, in its order, and whole. */
class Checking implements EventHandler {
  frames = 0;
  readonly wrong: string[] = [];

  onOpened(c: Conn): void {
    c.context = { next: 0 } satisfies Place;
  }

  onClosed(_c: Conn, error?: Error): void {
    if (error !== undefined) this.wrong.push(String(error));
  }

  react(frame: Buffer | null, c: Conn) {
    if (frame === null) return null;
    const place = c.context as Place;
    const number = frame.readUInt32LE(0);
    const end = frame.length - hashBytes;
    if (number !== place.next) this.#complain(`frame ${number} where ${place.next} was due`);
    if (hashOf(frame, numberBytes, end, number) !== frame.readUInt32LE(end)) {
      this.#complain(`frame ${number} has another hash`);
    }
    place.next = (place.next + 1) >>> 0;
    this.frames++;
    return frame;
  }

  #complain(what: string): void {
    if (this.wrong.length < 10) this.wrong.push(what);
  }
}

async function run({ small, seed, setting, progress, note }: SoakContext): Promise<void> {
  const handler = new Checking();
  const server = await serve(handler, 'tcp://127.0.0.1:0', {
    codec: new LengthFieldBasedFrameCodec(
      { lengthFieldLength: 2 },
      {
        lengthFieldLength: 2,
        initialBytesToStrip: 2,
      },
    ),
  });
  const clients = new ClientProcess('frame-clients.ts');
  const { framesPerBlock } = new FrameBlocks(seed);
  const wanted = setting('frames', small ? 1_000_000 : 100_000_000);
  const blocks = Math.ceil(wanted / framesPerBlock / connections / rounds);
  const total = blocks * framesPerBlock * connections * rounds;
  const timer = setInterval(
    () => progress(handler.frames / total, `${handler.frames} frames`),
    500,
  );
  try {
    const plan: FramesPlan = { address: server.addr, connections, blocks, seed };
    /** The clients know of an end before the server has closed its side. */
    const inOrder = async (round: number): Promise<void> => {
      await clients.call({ ...plan, seed: seed + round * connections });
      while (server.countConnections() > 0) await sleep(10);
    };
    await inOrder(0);
    const before = await settledState();
    for (let round = 1; round < rounds; round++) await inOrder(round);
    const after = await settledState();
    if (handler.frames !== total) handler.wrong.push(`${handler.frames} frames of ${total} came`);
    if (handler.wrong.length > 0) throw new Error(handler.wrong.join('\n'));
    const facts = mustBeFlat(before, after, small ? allowedBytesSmall : allowedBytes);
    note(`${total} frames came once, in order, and came back, over ${server.driver}; ${facts}`);
  } finally {
    clearInterval(timer);
    await clients.end();
    await server.close();
  }
}

export const frames: Soak = {
  name: 'frames',
  title: '100,000,000 small frames, each with a number and a hash',
  run,
};
