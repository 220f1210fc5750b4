import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { type ConnHandle, serve } from 'gnet';
import { RawClient, Random } from 'gnet/testing';
import type { Soak, SoakContext } from './contract.ts';
import { mustBeFlat, settledState } from './process-state.ts';
import type { WritingPlan, WritingResult } from './writing-thread.ts';

const module = new URL('../worker/handlers/loops.ts', import.meta.url);
const threadCount = 3;
const allowedBytes = 48 * 1_024 * 1_024;

/** A connection, and what it has received: whole lines only are looked at. */
class Listener {
  readonly client: RawClient;
  readonly id: number;
  lines = 0;
  closed = false;
  #rest = '';
  readonly #last = new Map<string, number>();

  constructor(client: RawClient, id: number) {
    this.client = client;
    this.id = id;
  }

  /** @throws Error for a byte of another connection, or a line out of order. */
  look(): void {
    const parts = (this.#rest + this.client.take().toString('latin1')).split('\n');
    this.#rest = parts.pop() as string;
    for (const line of parts) {
      const [id, thread = '', index] = line.split(' ');
      if (Number(id) !== this.id) throw new Error(`connection ${this.id} got: ${line}`);
      const number = Number(index);
      const last = this.#last.get(thread) ?? -1;
      if (number <= last) throw new Error(`connection ${id}: ${number} of ${thread} after ${last}`);
      this.#last.set(thread, number);
      this.lines++;
    }
  }
}

async function open(address: string): Promise<Listener> {
  const client = await RawClient.connect(address);
  let line = '';
  while (!line.endsWith('\n')) line += (await client.readExactly(1)).toString();
  return new Listener(client, Number(line.split(' ')[1]));
}

async function round(
  address: string,
  writes: number,
  random: Random,
  handleOf: (id: number) => ConnHandle,
): Promise<{ taken: number; refused: number; lines: number }> {
  const listeners = await Promise.all(Array.from({ length: 60 }, () => open(address)));
  const handles = listeners.map(({ id }) => handleOf(id));
  const workers = Array.from({ length: threadCount }, (_, thread) => {
    const plan: WritingPlan = {
      thread,
      handles: handles.map((handle) => ({ ...handle })),
      writes: Math.ceil(writes / threadCount),
    };
    return new Worker(new URL('./writing-thread.ts', import.meta.url), { workerData: plan });
  });
  const results = Promise.all(
    workers.map(async (worker) => ((await once(worker, 'message')) as [WritingResult])[0]),
  );
  let over = false;
  void results.finally(() => {
    over = true;
  });
  // Closes race with the writes: by the peer, by a reset, by the handle.
  while (!over) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    for (const listener of listeners) listener.look();
    const victim = listeners[random.below(listeners.length)] as Listener;
    if (victim.closed || !random.chance(0.05)) continue;
    victim.closed = true;
    const how = random.below(3);
    if (how === 0) victim.client.end();
    else if (how === 1) victim.client.reset();
    else handleOf(victim.id).close();
  }
  const found = await results;
  for (const listener of listeners) {
    listener.client.end();
    await listener.client.untilClosed();
    listener.look();
  }
  await Promise.all(workers.map((worker) => worker.terminate()));
  const other = found.flatMap((one) => one.other);
  if (other.length > 0) throw new Error(other.join('\n'));
  return {
    taken: found.reduce((sum, one) => sum + one.taken, 0),
    refused: found.reduce((sum, one) => sum + one.refused, 0),
    lines: listeners.reduce((sum, { lines }) => sum + lines, 0),
  };
}

async function run({ small, seed, progress, note }: SoakContext): Promise<void> {
  const total = small ? 30_000 : 1_000_000;
  const rounds = small ? 3 : 20;
  const random = new Random(seed);
  const server = await serve(module, 'tcp://127.0.0.1:0', { numEventLoop: 2 });
  const ids = new Map<number, ConnHandle>();
  const handleOf = (id: number): ConnHandle => {
    const known = ids.get(id) ?? server.conn(id);
    ids.set(id, known);
    return known;
  };
  let taken = 0;
  let refused = 0;
  let lines = 0;
  try {
    let before = await settledState();
    for (let count = 1; count <= rounds; count++) {
      const result = await round(server.addr, total / rounds, random, handleOf);
      ids.clear();
      taken += result.taken;
      refused += result.refused;
      lines += result.lines;
      if (result.lines > result.taken) throw new Error('more arrived than was taken');
      if (count === Math.ceil(rounds / 4)) before = await settledState();
      progress(count / rounds, `${taken + refused} writes settled`);
    }
    if (taken + refused < total) throw new Error(`${total - taken - refused} writes never settled`);
    if (refused === 0) throw new Error('no close raced with a write: nothing was shown');
    if (server.countConnections() !== 0) throw new Error('connections are left');
    const facts = mustBeFlat(before, await settledState(), allowedBytes);
    note(`${taken} writes taken, ${refused} refused, ${lines} lines seen whole; ${facts}`);
  } finally {
    await server.close();
  }
}

export const crossThreadWrites: Soak = {
  name: 'cross-thread-writes',
  title: '1,000,000 writes of other threads race with closes: each settles once, none goes astray',
  run,
};
