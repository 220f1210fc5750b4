/** The model beside a real driver, over real sockets; the peers are a program that calls the kernel. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type Options, serve } from 'gnet';
import type { LifeEvent, LifeSettings } from '../../testing/connection-model.ts';
import { settle, waitUntil } from '../support/wait-until.ts';
import { type LifePeer, Walker, walkerHandler, withEnd } from './life-walk.ts';

/** More than both kernels take; on the driver `node` nobody limits the buffer of a socket. */
const fillBytes = 600_000;
const fillBytesOfNode = 6_000_000;
/** For what nobody hears of, so that nobody can wait for it. */
const gapMs = 10;
/** For the last bytes of the slowest machine. */
const patienceMs = 20_000;

type Seen = readonly (readonly [peer: number, received: number, ended: boolean])[];

/** The process with the peers. */
class Peers {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly ports = new Map<number, number>();
  #asked = 0;
  #answered = 0;
  #seen: Seen | null = null;

  constructor() {
    this.#child = spawn('python3', [fileURLToPath(new URL('life-peers.py', import.meta.url))]);
    this.#child.stderr.pipe(process.stderr);
    createInterface(this.#child.stdout).on('line', (line) => {
      const said = JSON.parse(line) as
        | { peer: number; port: number }
        | { done: number }
        | { seen: Seen };
      if ('done' in said) this.#answered = said.done;
      else if ('seen' in said) this.#seen = said.seen;
      else this.ports.set(said.peer, said.port);
    });
  }

  tell(what: object): void {
    this.#child.stdin.write(`${JSON.stringify(what)}\n`);
  }

  /** Everything that it was told so far is done. */
  async settled(): Promise<void> {
    const ask = ++this.#asked;
    this.tell({ ask });
    await waitUntil(() => this.#answered >= ask, 'the peers have done it');
  }

  /** What each has got so far. */
  async seen(): Promise<Seen> {
    this.#seen = null;
    this.tell({ tell: true });
    await waitUntil(() => this.#seen !== null, 'the peers tell');
    return this.#seen ?? [];
  }

  end(): void {
    this.#child.stdin.end();
  }
}

class RealPeer implements LifePeer {
  readonly #peers: Peers;
  readonly number: number;
  received = 0;
  sawEnd = false;

  constructor(peers: Peers, number: number) {
    this.#peers = peers;
    this.number = number;
  }

  #step(step: string): void {
    this.#peers.tell({ peer: this.number, step });
  }
  send(): void {
    this.#step('send');
  }
  end(): void {
    this.#step('end');
  }
  reset(): void {
    this.#step('reset');
  }
  stall(): void {
    this.#step('stall');
  }
  read(): void {
    this.#step('read');
  }
}

/** All at the same time, on one server. Returns what is wrong. */
export async function realWalks(
  options: Options,
  settings: LifeSettings,
  walks: readonly (readonly LifeEvent[])[],
): Promise<string[]> {
  const peers = new Peers();
  const fill = options.driver === 'node' ? fillBytesOfNode : fillBytes;
  const walkers = walks.map((steps) => {
    return new Walker(settings, withEnd(settings, steps), fill);
  });
  let opened = 0;
  const server = await serve(
    walkerHandler(() => walkers[opened++] as Walker),
    'tcp://127.0.0.1:0',
    {
      logLevel: 'silent',
      closeTimeout: 60_000,
      socketSendBuffer: 32_768,
      highWaterMark: 65_536,
      lowWaterMark: 16_384,
      ...settings,
      ...options,
    },
  );
  try {
    const port = Number(server.addr.split(':').at(-1));
    for (const [number, walker] of walkers.entries()) {
      walker.peer = new RealPeer(peers, number);
      peers.tell({ peer: number, port });
      // One after the other: who comes is known by the order.
      await waitUntil(() => walker.conn !== null, 'it is open');
    }
    return await walkAll(walkers, peers);
  } finally {
    peers.end();
    await server.close();
  }
}

async function walkAll(walkers: readonly Walker[], peers: Peers): Promise<string[]> {
  const wrong: string[] = [];
  let active = walkers;
  while (active.length > 0) {
    for (const walker of active) walker.beginStep();
    await peers.settled();
    for (const walker of active) walker.endStep();
    // What does not come is told below.
    await waitUntil(() => active.every(({ isSettled }) => isSettled), 'all').catch(() => {});
    await settle(gapMs);
    for (const walker of active) if (walker.wrong !== '') wrong.push(walker.wrong);
    active = active.filter((walker) => walker.wrong === '' && !walker.isOver);
  }
  const fine = walkers.filter((walker) => walker.wrong === '');
  const end = performance.now() + patienceMs;
  do {
    for (const [number, received, ended] of await peers.seen()) {
      const peer = walkers[number]?.peer as RealPeer;
      peer.received = received;
      peer.sawEnd = ended;
    }
  } while (!fine.every(({ isComplete }) => isComplete) && performance.now() < end);
  for (const walker of fine) {
    if (!walker.isComplete) wrong.push(`${walker.name}: the peer misses some`);
  }
  return wrong;
}
