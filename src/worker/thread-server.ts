import { ErrServerInShutdown, ErrUnsupportedOp } from '../base/errors.ts';
import { wrongStopTimeout } from '../base/option-checks.ts';
import type { Bytes, ConnId } from '../connection/conn.ts';
import type { Sendable } from '../connection/prepared.ts';
import { fromConnId } from '../connection/conn-id.ts';
import type { Server } from '../connection/conn.ts';
import {
  type ConnHandle,
  type ServerStats,
  type StopOptions,
  type StopResult,
  tlsStats,
} from '../connection/server-view.ts';
import type { LoopView } from '../connection/conn.ts';
import { listensNowhere } from '../loop/listening.ts';
import { loopViews } from '../loop/loop-face.ts';
import { LoopConnHandle, staleId } from '../mailbox/conn-handle.ts';
import { LoopMemory } from '../mailbox/loop-memory.ts';
import type { PlacesMessage, ServerViewData } from './messages.ts';
import { statsIn } from '../mailbox/publication.ts';

/** What a view asks of the main thread. */
export interface MainThread {
  stop(server: number, timeout: number | undefined): void;
  broadcast(server: number, data: Sendable): Promise<number>;
  sendTo(server: number, address: string, data: Bytes): Promise<void>;
  duplicated(server: number): void;
  /** The listener's number means the same in every thread. */
  duplicateDescriptor(descriptor: number): number;
}

const elsewhere = 'in the thread of a loop: do it on the main thread';

function mainThreadOnly(action: string): Promise<never> {
  return Promise.reject(new ErrUnsupportedOp(`cannot ${action} ${elsewhere}`));
}

/** The server as seen from a loop's thread, where the program has called `serve` a second time. */
export class ThreadServer implements Server {
  readonly closed: Promise<void>;
  readonly loops: readonly LoopView[];
  readonly shared: unknown;
  readonly #data: ServerViewData;
  #places: Pick<PlacesMessage, 'texts' | 'addrs' | 'listenerDescriptor'>;
  #memories: readonly LoopMemory[];
  readonly #main: MainThread;
  readonly #stopped: Promise<StopResult>;
  #settle!: (result: StopResult) => void;
  #ended = false;

  /** @param here the loop of it that this thread runs. */
  constructor(data: ServerViewData, main: MainThread, here: LoopView | null) {
    this.#data = data;
    this.shared = here === null ? data.shared : here.shared;
    this.loops = loopViews(data.numEventLoop, here, this.shared);
    this.#main = main;
    this.#places = data;
    this.#memories = data.memories.map((buffer) => new LoopMemory(buffer));
    this.#stopped = new Promise((resolve) => {
      this.#settle = resolve;
    });
    this.closed = this.#stopped.then(() => {});
    if (data.ended) this.end({ forced: 0 });
  }

  /** The server is down. */
  end(result: StopResult): void {
    this.#ended = true;
    this.#settle(result);
  }

  /** It listens elsewhere, or a loop took the place of another. */
  setPlaces(places: PlacesMessage): void {
    this.#places = places;
    this.#memories = places.memories.map((buffer) => new LoopMemory(buffer));
  }

  answersTo(address: string): boolean {
    return this.#places.texts.includes(address) || this.addrs.includes(address);
  }

  get addr(): string {
    return this.addrs[0] ?? '';
  }
  get addrs(): readonly string[] {
    return this.#places.addrs;
  }
  get multicore(): boolean {
    return this.#data.multicore;
  }
  get numEventLoop(): number {
    return this.#data.numEventLoop;
  }
  get reusePort(): boolean {
    return this.#data.reusePort;
  }
  get tcpKeepAlive(): number {
    return this.#data.tcpKeepAlive;
  }
  get driver(): string {
    return this.#data.driver;
  }

  setTls(): Promise<void> {
    const hint = 'call setTls on the main thread, which has the files';
    return Promise.reject(
      new ErrUnsupportedOp(`cannot set the TLS of a server in the thread of a loop: ${hint}`),
    );
  }

  restart(): Promise<never> {
    return mainThreadOnly('restart');
  }
  get state(): 'running' | 'closed' {
    return this.#ended ? 'closed' : 'running';
  }
  listConnections(): Promise<never> {
    return mainThreadOnly('list the connections');
  }
  get logLevel(): undefined {
    return undefined;
  }
  set logLevel(_level: unknown) {
    throw new ErrUnsupportedOp(`cannot set the log level ${elsewhere}`);
  }
  listen(): Promise<never> {
    return mainThreadOnly('listen on another address');
  }
  unlisten(): Promise<never> {
    return mainThreadOnly('unlisten an address');
  }
  joinGroup(): Promise<never> {
    return mainThreadOnly('join a group');
  }
  leaveGroup(): Promise<never> {
    return mainThreadOnly('leave a group');
  }
  adopt(): Promise<never> {
    return mainThreadOnly('adopt a socket');
  }

  countConnections(): number {
    return this.#memories.reduce((sum, memory) => sum + memory.connections, 0);
  }

  dupFd(): number {
    if (this.#ended) {
      throw new ErrServerInShutdown(
        'cannot duplicate the listener: the server is down; serve again',
      );
    }
    const { listenerDescriptor, addrs } = this.#places;
    if (addrs.length === 0) throw listensNowhere();
    if (listenerDescriptor < 0) {
      const why =
        this.numEventLoop === 1
          ? ' in this thread: its server has one loop, on the main thread; call dupFd there'
          : `: the driver '${this.driver}' has no descriptors; use a native driver for that`;
      throw new ErrUnsupportedOp(`cannot duplicate the listener${why}`);
    }
    const duplicate = this.#main.duplicateDescriptor(listenerDescriptor);
    this.#main.duplicated(this.#data.server);
    return duplicate;
  }

  conn(id: ConnId): ConnHandle {
    const identity = fromConnId(id);
    const memory = identity === null ? undefined : this.#memories[identity.loop];
    if (identity === null || memory === undefined) throw staleId(id);
    if (identity.generation < 1 || identity.generation > memory.highestGeneration) {
      throw staleId(id);
    }
    return new LoopConnHandle(id, memory);
  }

  async broadcast(data: Sendable): Promise<number> {
    return this.#ended ? 0 : this.#main.broadcast(this.#data.server, data);
  }

  async sendTo(address: string, data: Bytes): Promise<void> {
    if (this.#ended) throw new ErrServerInShutdown('cannot send a datagram: the server is down');
    await this.#main.sendTo(this.#data.server, address, data);
  }

  stats(): ServerStats {
    const loops = this.#memories.map(statsIn);
    return {
      driver: this.driver,
      host: this.#data.host,
      driversRefused: this.#data.driversRefused,
      tls: tlsStats(this.#data.tls, loops),
      connections: this.countConnections(),
      loops,
    };
  }

  stop(options: StopOptions = {}): Promise<StopResult> {
    const { timeout, signal } = options;
    const wrong = timeout === undefined ? null : wrongStopTimeout(timeout);
    if (wrong !== null) return Promise.reject(wrong);
    if (this.#ended) return this.#stopped;
    const { server } = this.#data;
    this.#main.stop(server, signal?.aborted === true ? 0 : timeout);
    signal?.addEventListener('abort', () => this.#main.stop(server, 0), { once: true });
    return this.#stopped;
  }

  close(): Promise<StopResult> {
    return this.stop({ timeout: 0 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
