/** The servers of one round, which stand at once and have the load one after another. */

import { setTimeout as delay } from 'node:timers/promises';
import cEpoll from '../peers/c-epoll/peer.ts';
import type { Case, LoadResult } from './load.ts';
import type { Peer } from './peer.ts';
import { forgetPeakResident, peakResidentBytes, processTree } from './process-tree.ts';
import type { Settings } from './results.ts';
import { freeEndpoint, ServerProcess } from './server-process.ts';
import { measureWindow } from './window.ts';
import type { Work } from './work.ts';

const SETTLE_MS = 500;

export type Measured = LoadResult & {
  readonly peer: string;
  readonly peakMemoryBytes: number | null;
};

/** A server, and what stands behind it when it is a proxy. */
class Standing {
  readonly server: ServerProcess;
  readonly #backend: ServerProcess | null;

  private constructor(server: ServerProcess, backend: ServerProcess | null) {
    this.server = server;
    this.#backend = backend;
  }

  static async start(work: Work, peer: Peer, settings: Settings): Promise<Standing> {
    const endpoint = await freeEndpoint(work.protocol);
    const backend = work.proxied ? await startBackend(settings) : null;
    try {
      const command = peer.server(work.name, endpoint, backend?.endpoint);
      const server = await ServerProcess.start(command, endpoint, settings.pinning.server);
      // The first of several processes or threads answers before the others are there.
      if (work.serverCores !== undefined) await delay(SETTLE_MS);
      return new Standing(server, backend);
    } catch (error) {
      await backend?.stop();
      throw error;
    }
  }

  get pids(): number[] {
    return processTree(this.server.pid);
  }

  get companionPids(): number[] {
    return this.#backend === null ? [] : processTree(this.#backend.pid);
  }

  async stop(): Promise<void> {
    await this.server.stop();
    await this.#backend?.stop();
  }
}

/** The echo server behind a proxy: the one in C, on the load's core, as a part of the load. */
async function startBackend(settings: Settings): Promise<ServerProcess> {
  const endpoint = await freeEndpoint('tcp');
  cEpoll.build('tcp-echo');
  return ServerProcess.start(cEpoll.server('tcp-echo', endpoint), endpoint, settings.pinning.load);
}

/**
 * Compilers of other languages have done their work before the server starts; those of JavaScript
 * and Java do it while the first hundred thousand requests come in. So every server is warmed up
 * once, with a share of each case; and what is compared is measured shortly after one another, which
 * it could not be if every window had such a warm-up of its own.
 */
export class Stage {
  readonly #work: Work;
  readonly #cases: readonly Case[];
  readonly #settings: Settings;
  readonly #standing = new Map<string, Standing>();

  constructor(work: Work, cases: readonly Case[], settings: Settings) {
    this.#work = work;
    this.#cases = cases;
    this.#settings = settings;
  }

  async measure(one: Case, peer: Peer): Promise<Measured> {
    const standing = this.#standing.get(peer.name) ?? (await this.#start(peer));
    forgetPeakResident(standing.pids);
    const { settleSeconds, seconds } = this.#settings;
    const offer = (window: number) => this.#offer(standing, one, settleSeconds, window);
    // The time to hold idle connections is no window: what they cost shows in any.
    const result =
      this.#work.kind === 'memory' ? await offer(seconds) : await measureWindow(offer, seconds);
    const peakMemoryBytes = peakResidentBytes(standing.pids);
    return { peer: peer.name, ...result, peakMemoryBytes };
  }

  /** The next measurement of this peer is one of a fresh process. */
  async drop(peer: Peer): Promise<void> {
    const standing = this.#standing.get(peer.name);
    this.#standing.delete(peer.name);
    await standing?.stop();
  }

  async stop(): Promise<void> {
    const standing = [...this.#standing.values()];
    this.#standing.clear();
    for (const one of standing) await one.stop();
  }

  async #start(peer: Peer): Promise<Standing> {
    const standing = await Standing.start(this.#work, peer, this.#settings);
    this.#standing.set(peer.name, standing);
    const seconds = this.#settings.warmupSeconds * (peer.warmupFactor ?? 1);
    // Idle connections are warmed up by the load itself.
    if (this.#work.kind === 'memory' || seconds === 0) return standing;
    for (const one of this.#cases) {
      await this.#offer(standing, one, 0, seconds / this.#cases.length);
    }
    return standing;
  }

  #offer(standing: Standing, one: Case, warmupSeconds: number, seconds: number) {
    return this.#work.load.run({
      work: this.#work.name,
      endpoint: standing.server.endpoint,
      case: one,
      warmupSeconds,
      seconds,
      serverPids: standing.pids,
      companionPids: standing.companionPids,
      cores: this.#settings.pinning.load,
    });
  }
}
