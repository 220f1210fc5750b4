import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Conn, type EventHandler, serve } from 'gnet';
import { Random } from 'gnet/testing';
import { ClientProcess } from './client-process.ts';
import type { Soak, SoakContext } from './contract.ts';
import type { EchoPlan, EchoResult } from './echo-clients.ts';
import { mebibytes } from './process-state.ts';

/** How a connection answers. Each must give back what came, in order. */
const styles = ['frame', 'pieces', 'promise', 'pauses'] as const;
type Style = (typeof styles)[number];

interface EchoState {
  readonly style: Style;
  readonly random: Random;
}

/** Kept small, so that the kernel takes part of nearly every write, and reads cut anywhere. */
const socketBufferBytes = 8_192;
const readBufferBytes = 8_192;

class StyledEcho implements EventHandler {
  readonly #seed: number;
  #opened = 0;
  /** Ends with an error; none is expected. */
  readonly errors: Error[] = [];
  received = 0;
  /** Reads during which output of earlier ones still waited for the kernel. */
  waiting = 0;

  constructor(seed: number) {
    this.#seed = seed;
  }

  onOpened(c: Conn): void {
    const style = styles[this.#opened % styles.length] as Style;
    c.context = { style, random: new Random(this.#seed + this.#opened) } satisfies EchoState;
    this.#opened++;
  }

  onClosed(_c: Conn, error?: Error): void {
    if (error !== undefined) this.errors.push(error);
  }

  react(frame: Buffer | null, c: Conn) {
    if (frame === null) return null;
    this.received += frame.length;
    if (c.outboundBuffered() > 0) this.waiting++;
    const { style, random } = c.context as EchoState;
    if (style === 'pieces') return this.#inPieces(frame, c, random);
    if (style === 'promise') return this.#later(frame, random);
    if (style === 'pauses' && random.chance(0.02)) {
      c.pauseRead();
      setTimeout(() => c.resumeRead(), random.below(3));
    }
    return frame;
  }

  #inPieces(frame: Buffer, c: Conn, random: Random): null {
    let start = 0;
    while (start < frame.length) {
      const end = Math.min(frame.length, start + 1 + random.below(frame.length));
      const piece = frame.subarray(start, end);
      if (random.chance(0.5)) c.asyncWrite(piece);
      else c.writeNoCodec(piece);
      start = end;
    }
    return null;
  }

  async #later(frame: Buffer, random: Random): Promise<Buffer> {
    for (let turns = random.below(3); turns > 0; turns--) await nextTurn();
    return frame;
  }
}

async function run({ small, seed, progress, note }: SoakContext): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'gnet-soak-'));
  const handler = new StyledEcho(seed);
  const server = await serve(handler, ['tcp://127.0.0.1:0', `unix://${join(directory, 's')}`], {
    socketRecvBuffer: socketBufferBytes,
    socketSendBuffer: socketBufferBytes,
    readBufferCap: readBufferBytes,
    highWaterMark: 32_768,
  });
  const bytesPerAddress = (small ? 8 : 1_024) * 1_024 * 1_024;
  const total = bytesPerAddress * server.addrs.length;
  const clients = new ClientProcess('echo-clients.ts');
  const timer = setInterval(() => {
    progress(handler.received / total, `${mebibytes(handler.received)} of ${mebibytes(total)}`);
  }, 500);
  try {
    const connections = styles.length;
    const bytes = bytesPerAddress / connections;
    const plan: EchoPlan = { addresses: server.addrs, connections, bytes, seed };
    const { errors, chunks } = await clients.call<EchoResult>(plan);
    errors.push(...handler.errors.map((error) => String(error)));
    if (handler.received !== total) errors.push(`the server received ${handler.received} bytes`);
    if (handler.waiting === 0) errors.push('the kernel took every write whole: nothing was shown');
    if (errors.length > 0) throw new Error(errors.join('\n'));
    note(
      `${mebibytes(total)} over ${server.addrs.length} addresses came back byte for byte, in ${chunks} ` +
        `pieces; at ${handler.waiting} reads earlier output was still waiting`,
    );
  } finally {
    clearInterval(timer);
    await clients.end();
    await server.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

export const echo: Soak = {
  name: 'echo',
  title: '1 GiB each over TCP and Unix sockets, through random splits and short writes',
  run,
};
