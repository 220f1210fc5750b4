/** Runs the table of `peer-orders.ts` over real sockets, on the driver of choice. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type Conn, type EventHandler, GnetError, type Options, type Server, serve } from 'gnet';
import type { DriverName } from '../../src/driver/contract.ts';
import { settle, waitUntil } from '../support/wait-until.ts';
import {
  allCases,
  expected,
  nameOf,
  type PeerCase,
  type Seen,
  type ServerState,
  wrongWith,
} from './peer-orders.ts';

/** Neither kernel takes that much. */
const tooMuch = Buffer.alloc(16_000_000, 'm');
/** Between two steps that must not be heard together. */
const gapMs = 30;
const promiseMs = 60;

class Watched {
  bytes = 0;
  ends = 0;
  readonly closed: string[] = [];
  c: Conn | null = null;
}

/** By the port of the peer. */
type Connections = Map<number, Watched>;

function handlerOf(state: ServerState, connections: Connections): EventHandler {
  const of = (c: Conn): Watched => connections.get(c.context as number) as Watched;
  return {
    onOpened(c) {
      c.context = Number(c.remoteAddr.split(':')[1]);
      const watched = new Watched();
      watched.c = c;
      connections.set(c.context as number, watched);
      if (state === 'paused') c.pauseRead();
      if (state === 'stuck' || state === 'closing') c.asyncWrite(tooMuch);
      if (state === 'closing' || state === 'lingering') c.close();
    },
    react(frame, c) {
      of(c).bytes += frame?.length ?? 0;
      return state === 'waiting' ? settle(promiseMs).then(() => undefined) : undefined;
    },
    onEnd(c) {
      of(c).ends++;
    },
    onClosed(c, error) {
      of(c).closed.push(error === undefined ? '-' : codeOf(error));
    },
  };
}

function codeOf(error: Error): string {
  return error instanceof GnetError ? error.code : error.message;
}

/** The process with the peers. */
class Peers {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly ports = new Map<number, number>();
  #asked = 0;
  #answered = 0;

  constructor() {
    this.#child = spawn('python3', [fileURLToPath(new URL('peers.py', import.meta.url))]);
    this.#child.stderr.pipe(process.stderr);
    createInterface(this.#child.stdout).on('line', (line) => {
      const said = JSON.parse(line) as { peer: number; port: number } | { done: number };
      if ('done' in said) this.#answered = said.done;
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

  end(): void {
    this.#child.stdin.end();
  }
}

interface Running {
  readonly one: PeerCase;
  readonly peer: number;
  readonly watched: Watched;
}

/** One server for each state, with all cases of it at the same time. Returns what was wrong. */
export async function runPeers(driver: DriverName): Promise<{ cases: number; wrong: string[] }> {
  const options = { driver: driver as NonNullable<Options['driver']> };
  const servers = new Map<string, { server: Server; connections: Connections }>();
  const peers = new Peers();
  try {
    const running = await connectAll(options, servers, peers);
    await misbehave(running, peers);
    await finishAll(running, peers);
    const wrong = running.map(({ one, watched }) => {
      const what = wrongWith(watched satisfies Seen, expected(one));
      return what === '' ? '' : `${nameOf(one)}: ${what}`;
    });
    return { cases: running.length, wrong: wrong.filter((what) => what !== '') };
  } finally {
    peers.end();
    for (const { server } of servers.values()) await server.close();
  }
}

async function connectAll(
  options: Options,
  servers: Map<string, { server: Server; connections: Connections }>,
  peers: Peers,
): Promise<readonly Running[]> {
  const places: { one: PeerCase; connections: Connections }[] = [];
  for (const one of allCases()) {
    const { state, allowHalfOpen } = one;
    const key = `${state} ${allowHalfOpen}`;
    let place = servers.get(key);
    if (place === undefined) {
      const connections: Connections = new Map();
      const handler = handlerOf(state, connections);
      const server = await serve(handler, 'tcp://127.0.0.1:0', {
        logLevel: 'silent',
        closeTimeout: 60_000,
        allowHalfOpen,
        ...options,
      });
      place = { server, connections };
      servers.set(key, place);
    }
    peers.tell({ peer: places.length, port: Number(place.server.addr.split(':')[1]) });
    places.push({ one, connections: place.connections });
  }
  await peers.settled();
  const find = (peer: number): Watched | undefined =>
    places[peer]?.connections.get(peers.ports.get(peer) ?? 0);
  await waitUntil(() => places.every((_, peer) => find(peer) !== undefined), 'all are open');
  return places.map(({ one }, peer) => ({ one, peer, watched: find(peer) as Watched }));
}

async function misbehave(running: readonly Running[], peers: Peers): Promise<void> {
  for (const { one, peer } of running) {
    if (one.pace === 'burst') peers.tell({ peer, steps: one.steps.join('') });
  }
  for (let at = 0; at < 4; at++) {
    for (const { one, peer } of running) {
      const step = one.steps[at];
      if (one.pace === 'spaced' && step !== undefined) peers.tell({ peer, steps: step });
    }
    await peers.settled();
    await settle(gapMs);
  }
}

/** Who was reset is over by itself; the others end in order. */
async function finishAll(running: readonly Running[], peers: Peers): Promise<void> {
  const resets = ({ one }: Running): boolean => one.steps.includes('R');
  for (const { one, watched } of running) if (one.state === 'paused') watched.c?.resumeRead();
  const gone = running.filter(resets);
  await waitUntil(() => gone.every(({ watched }) => watched.closed.length > 0), 'all resets');
  for (const each of running) if (!resets(each)) peers.tell({ peer: each.peer, finish: true });
  await waitUntil(() => {
    for (const { one, watched } of running) {
      // A handler that is left to end its side does so once it has heard of the peer's end.
      if (one.allowHalfOpen && watched.ends > 0 && watched.closed.length === 0) watched.c?.end();
    }
    return running.every(({ watched }) => watched.closed.length > 0);
  }, 'all ends');
  await settle(gapMs);
}
