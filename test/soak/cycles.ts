import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Action, type EventHandler, type Server, serve, stop } from 'gnet';
import { RawClient } from 'gnet/testing';
import type { Soak, SoakContext } from './contract.ts';
import { mustBeFlat, settledState } from './process-state.ts';

/**
 * What memory may grow by. A cycle that forgot its loop would lose its slab of 80 KiB and its table
 * of epoll events of 64 KiB: 14 MiB in the 100 cycles between the two looks. Before the first look,
 * code is compiled and pools get as large as they ever will; later, pages that the garbage collector
 * keeps make RSS of one and the same run differ by some MiB. (1,000 cycles end where 400 do.)
 */
const allowedBytes = 8 * 1_024 * 1_024;
/** The small form compares within the first cycles, while code is still being compiled. */
const allowedBytesSmall = 32 * 1_024 * 1_024;

/** The ways a server may end, one after another. */
const endings = {
  stop: async (server: Server) => {
    await server.stop();
  },
  close: async (server: Server) => {
    await server.close();
  },
  byAddress: async (server: Server) => {
    await stop(server.addr);
  },
  byAction: async (server: Server, client: RawClient) => {
    client.write('shutdown');
    await server.closed;
  },
  dispose: async (server: Server) => {
    await server[Symbol.asyncDispose]();
  },
} satisfies Record<string, (server: Server, client: RawClient) => Promise<void>>;

const endingNames = Object.keys(endings) as (keyof typeof endings)[];
/**
 * More than the kernel can hold for a client that does not read. The same for every server: memory
 * this large that is allocated and freed again and again stays with the C library's allocator, some
 * 8 MiB more or less in each look, depending on when the garbage collector ran.
 */
const stuck = Buffer.alloc(8 * 1_024 * 1_024);

class Answering implements EventHandler {
  open = 0;
  shutdowns = 0;

  onOpened(): void {
    this.open++;
  }
  onClosed(): void {
    this.open--;
  }
  react(frame: Buffer | null) {
    const text = frame?.toString();
    if (text === 'shutdown') return Action.Shutdown;
    if (text === 'much') return stuck;
    return frame;
  }
  onShutdown(): void {
    this.shutdowns++;
  }
  tick(): number {
    return 5;
  }
}

/** Four clients: idle, answered, one that asked for more than it reads, one that ended its side. */
async function connectClients(server: Server): Promise<RawClient[]> {
  const clients: RawClient[] = [];
  for (let count = 0; count < 4; count++) {
    clients.push(await RawClient.connect(server.addrs[count % 2] as string));
  }
  const [idle, answered, stuck, ended] = clients as [RawClient, RawClient, RawClient, RawClient];
  for (const client of clients) {
    client.write('hello');
    await client.readExactly(5);
  }
  answered.write('again');
  stuck.pauseReading();
  stuck.write('much');
  ended.end();
  await answered.readExactly(5);
  idle.socket.on('end', () => idle.end());
  answered.socket.on('end', () => answered.end());
  return clients;
}

async function cycle(path: string, ending: keyof typeof endings): Promise<void> {
  const handler = new Answering();
  const addresses = ['tcp://127.0.0.1:0', `unix://${path}`, 'udp://127.0.0.1:0'];
  const server = await serve(handler, addresses, { ticker: true, closeTimeout: 100 });
  const clients = await connectClients(server);
  await endings[ending](server, clients[0] as RawClient);
  if (handler.open !== 0)
    throw new Error(`${ending} left ${handler.open} connections without an end`);
  if (handler.shutdowns !== 1)
    throw new Error(`${ending} called onShutdown ${handler.shutdowns} times`);
  for (const client of clients) {
    client.destroy();
    await client.untilClosed();
  }
}

async function run({ small, setting, progress, note }: SoakContext): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'gnet-soak-'));
  const cycles = setting('cycles', small ? 10 : 200);
  /** So many servers at a time: most of a cycle is waiting. */
  const lanes = setting('lanes', 1);
  let begun = 0;
  let done = 0;
  const lane = async (number: number, last: number): Promise<void> => {
    while (begun < last) {
      const ending = endingNames[++begun % endingNames.length] as keyof typeof endings;
      await cycle(join(directory, `server-${number}`), ending);
      progress(++done / cycles, `${done} cycles`);
    }
  };
  const until = async (last: number): Promise<void> => {
    await Promise.all(Array.from({ length: lanes }, (_, number) => lane(number, last)));
  };
  try {
    await until(cycles / 2);
    const before = await settledState();
    await until(cycles);
    const after = await settledState();
    const facts = mustBeFlat(before, after, small ? allowedBytesSmall : allowedBytes);
    note(`${cycles} cycles, ended in ${endingNames.length} ways; ${facts}`);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

export const cycles: Soak = {
  name: 'cycles',
  title: '200 servers started and stopped in one process, with live connections',
  run,
};
