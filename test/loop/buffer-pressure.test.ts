/** io_uring with hardly any receive buffers: nothing is lost, and a loop that can do nothing sleeps. */
import assert from 'node:assert/strict';
import net from 'node:net';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Conn, EventHandler } from 'gnet';
import { chooseBackend } from '../../src/driver/choose-driver.ts';
import { BytePattern, PatternCheck } from '../../testing/byte-pattern.ts';
import { seedOfRun } from '../../src/driver/simulated/random.ts';
import { targetOf } from 'gnet/testing';
import { type TinyRing, tinyRing } from '../support/tiny-ring.ts';
import { waitUntil } from '../support/wait-until.ts';

const connections = 60;
const bytes = 32_768;
const buffers = 4;
const quietTimers = 10;

const skip = await chooseBackend('io_uring').then(
  () => false as const,
  (error: Error) => error.message,
);

/** Half of the connections answer when the gate opens, half are paused until then. */
class Gated implements EventHandler {
  readonly paused: Conn[] = [];
  readonly errors: Error[] = [];
  received = 0;
  waiting = 0;
  #opened = 0;
  #open = false;
  #gate!: () => void;
  readonly #opening = new Promise<void>((resolve) => {
    this.#gate = resolve;
  });

  onOpened(c: Conn): void {
    c.context = this.#opened++ % 2 === 0;
  }
  onClosed(_c: Conn, error?: Error): void {
    if (error !== undefined) this.errors.push(error);
  }
  react(frame: Buffer | null, c: Conn) {
    if (frame === null) return null;
    this.received += frame.length;
    if (this.#open) return frame;
    this.waiting++;
    if (c.context === true) return this.#opening.then(() => frame);
    c.pauseRead();
    this.paused.push(c);
    return frame;
  }
  open(): void {
    this.#open = true;
    this.#gate();
    for (const c of this.paused) c.resumeRead();
  }
}

/** Resolves with what is wrong with the echo, or null. */
function echoOne(address: string, pattern: BytePattern): Promise<string | null> {
  const check = new PatternCheck(pattern);
  return new Promise((resolve) => {
    const socket = net.connect({ ...targetOf(address), allowHalfOpen: true });
    socket.end(pattern.slice(0, bytes));
    socket.on('data', (piece: Buffer) => check.add(piece));
    socket.on('error', (error) => resolve(String(error)));
    socket.on('end', () => {
      const right = check.wrongAt === -1 && check.bytes === bytes;
      resolve(right ? null : `${check.bytes} bytes came back, wrong at ${check.wrongAt}`);
    });
  });
}

/** Waits of the loop during so many timers of the runtime, each of which takes one. */
async function waitsDuring(server: TinyRing, timers: number): Promise<number> {
  const before = server.counters.waits;
  for (let count = 0; count < timers; count++) await sleep(1);
  return server.counters.waits - before;
}

describe('four receive buffers for 60 connections', { skip }, () => {
  // Below 4 KiB each buffer is used once; from there on the kernel fills it bit by bit.
  for (const readBufferCap of [1_024, 4_096]) {
    test(`of ${readBufferCap} bytes`, async (t) => {
      const handler = new Gated();
      const server = await tinyRing(handler, buffers, { readBufferCap });
      t.after(() => server.close());
      const seed = seedOfRun();
      const clients = Array.from({ length: connections }, (_, index) =>
        echoOne(server.address, new BytePattern(seed + index)),
      );
      await waitUntil(() => handler.waiting === connections, 'every handler has its first frame');
      await waitUntil(() => server.starvations() > 0, 'buffers ran out');
      const mayWait = 4 * quietTimers;
      while ((await waitsDuring(server, quietTimers)) > mayWait) await sleep(1);
      const [tried, timers] = [server.starvations(), 40];
      const waits = await waitsDuring(server, timers);
      assert.ok(waits <= 4 * timers, `${waits} waits of a loop with nothing to do`);
      assert.equal(server.starvations(), tried);
      handler.open();
      assert.deepEqual(
        (await Promise.all(clients)).filter((problem) => problem !== null),
        [],
        `GNET_SEED=${seed}`,
      );
      assert.equal(handler.received, connections * bytes);
      assert.deepEqual(handler.errors, []);
      const { events } = server.counters;
      const starvations = server.starvations();
      assert.ok(
        starvations <= 2 * (events + connections),
        `${starvations} receives found no buffer, ${events} events`,
      );
    });
  }
});
