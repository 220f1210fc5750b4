import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { Conn, EventHandler } from 'gnet';
import { chooseBackend } from '../../src/driver/choose-driver.ts';
import { tinyRing } from '../support/tiny-ring.ts';
import { ClientProcess } from './client-process.ts';
import type { Soak, SoakContext } from './contract.ts';
import { mebibytes } from './process-state.ts';
import type { PressedPlan } from './pressed-clients.ts';

const buffers = 4;
/** For connections that open and close, and what the runtime has to do by itself. */
const waitsBesides = 500;

/** A third answers at once, a third by a promise, a third pauses after each frame. */
class SlowEcho implements EventHandler {
  #opened = 0;
  received = 0;
  /** Times that a handler asked the runtime for a turn: for its promise, or to resume. */
  turnsAsked = 0;
  readonly errors: Error[] = [];

  onOpened(c: Conn): void {
    c.context = this.#opened++ % 3;
  }
  onClosed(_c: Conn, error?: Error): void {
    if (error !== undefined) this.errors.push(error);
  }
  react(frame: Buffer | null, c: Conn) {
    if (frame === null) return null;
    this.received += frame.length;
    if (c.context === 1) return this.#later(frame);
    if (c.context === 2) {
      c.pauseRead();
      this.turnsAsked++;
      setTimeout(() => c.resumeRead(), 1 + (this.received % 5));
    }
    return frame;
  }
  async #later(frame: Buffer): Promise<Buffer> {
    this.turnsAsked++;
    await sleep(1 + (this.received % 5));
    return frame;
  }
}

/** One load over buffers of that size. */
async function pressed(
  { small, seed, note }: SoakContext,
  clients: ClientProcess,
  readBufferCap: number,
): Promise<void> {
  const connections = small ? 300 : 5_000;
  const bytes = (small ? 8 : 32) * 1_024;
  const handler = new SlowEcho();
  const server = await tinyRing(handler, buffers, { readBufferCap, backlog: 4_096 });
  try {
    const { address } = server;
    const problems = await clients.call<string[]>({
      address,
      connections,
      bytes,
      seed,
    } satisfies PressedPlan);
    while (server.loop.connectionCount > 0) await nextTurn();
    const { waits, events } = server.counters;
    const starvations = server.starvations();
    const facts =
      `${connections} connections, ${buffers} buffers of ${readBufferCap} bytes: ` +
      `${mebibytes(handler.received)} came back in ${events} events, ${waits} waits; ` +
      `${starvations} times no buffer was left, ${handler.turnsAsked} turns asked for`;
    note(facts);
    problems.push(...handler.errors.map((error) => String(error)));
    if (handler.received !== connections * bytes) problems.push('bytes were lost');
    if (starvations === 0) problems.push('buffers never ran out: nothing was shown');
    // A wait has an event, or the runtime had something to do; a receive that found no buffer waits
    // until there is one for it, which others may still take.
    if (waits > events + handler.turnsAsked + waitsBesides) problems.push('the loop spun');
    if (starvations > 2 * (events + connections)) problems.push('receives were tried in vain');
    if (problems.length > 0) throw new Error(problems.slice(0, 10).join('\n'));
  } finally {
    server.close();
  }
}

async function run(context: SoakContext): Promise<void> {
  await chooseBackend('io_uring');
  const clients = new ClientProcess('pressed-clients.ts');
  try {
    for (const readBufferCap of [1_024, 4_096]) await pressed(context, clients, readBufferCap);
  } finally {
    await clients.end();
  }
}

export const tinyRingPressure: Soak = {
  name: 'tiny-ring',
  title: '5,000 connections, slow handlers and pauses over four receive buffers of io_uring',
  run,
};
