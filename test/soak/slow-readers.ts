import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Conn, type EventHandler, serve } from 'gnet';
import { ClientProcess } from './client-process.ts';
import type { Soak, SoakContext } from './contract.ts';
import { mebibytes } from './process-state.ts';
import type { SlowPlan } from './slow-clients.ts';

const mebibyte = 1_024 * 1_024;
/** What one connection may have pending: 4 slabs of an outbound queue. */
const capBytes = 256 * 1_024;
/**
 * What the process may grow by on top of the caps: connections, and garbage between two collections.
 * Growth, because Node with type stripping has more than that before the first connection.
 */
const besidesBytes = 64 * mebibyte;
const messageBytes = 16 * 1_024;

/** Keeps the connections that are open, and counts why the others ended. */
class Pushing implements EventHandler {
  readonly open = new Set<Conn>();
  overflows = 0;
  /** Ends for another reason; none is expected. */
  readonly others: Error[] = [];

  onOpened(c: Conn): void {
    this.open.add(c);
  }

  onClosed(c: Conn, error?: Error & { code?: string }): void {
    this.open.delete(c);
    if (error === undefined) return;
    if (error.code === 'ErrOutboundOverflow') this.overflows++;
    else this.others.push(error);
  }
}

async function run({ small, progress, note }: SoakContext): Promise<void> {
  const readers = small ? 50 : 1_000;
  const totalBytes = (small ? 32 : 1_024) * mebibyte;
  const limitBytes = readers * capBytes + besidesBytes;
  const handler = new Pushing();
  const server = await serve(handler, 'tcp://127.0.0.1:0', {
    socketSendBuffer: 8_192,
    highWaterMark: capBytes / 2,
    maxOutboundBytes: capBytes,
  });
  const clients = new ClientProcess('slow-clients.ts');
  const message = Buffer.alloc(messageBytes, 'x');
  const rssBefore = process.memoryUsage.rss();
  let peak = 0;
  let pendingPeak = 0;
  let written = 0;
  let held = 0;
  const look = (): void => {
    peak = Math.max(peak, process.memoryUsage.rss() - rssBefore);
    if (peak > limitBytes) {
      throw new Error(`RSS grew by ${mebibytes(peak)}, the limit is ${mebibytes(limitBytes)}`);
    }
  };
  /** One message to everybody, also to those who do not read: the cap must hold by itself. */
  const pushRound = (): void => {
    let pending = 0;
    for (const c of handler.open) {
      if (!c.asyncWrite(message)) held++;
      written += messageBytes;
      pending += c.outboundBuffered();
    }
    pendingPeak = Math.max(pendingPeak, pending);
  };
  try {
    const plan: SlowPlan = { address: server.addr, readers };
    await clients.call(plan);
    while (written < totalBytes) {
      while (handler.open.size < readers) await nextTurn();
      pushRound();
      look();
      progress(
        written / totalBytes,
        `${mebibytes(written)} written, RSS grew by ${mebibytes(peak)}`,
      );
      await nextTurn();
    }
    if (handler.others.length > 0) throw handler.others[0] as Error;
    if (handler.overflows === 0 || held === 0) throw new Error('no reader was ever too slow');
    note(
      `${mebibytes(written)} written to ${readers} clients that read nothing: at most ` +
        `${mebibytes(pendingPeak)} pending, RSS grew by at most ${mebibytes(peak)} (limit ` +
        `${mebibytes(limitBytes)}); ` +
        `${handler.overflows} connections were closed at the cap`,
    );
  } finally {
    await clients.end();
    await server.close();
  }
}

export const slowReaders: Soak = {
  name: 'slow-readers',
  title: '1 GiB written to 1,000 clients that never read',
  run,
};
