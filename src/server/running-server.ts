import { ErrInvalidOption, ErrServerInShutdown, ErrUnsupportedOp } from '../base/errors.ts';
import { wrongStopTimeout } from '../base/option-checks.ts';
import { errorOf, textOf } from '../base/thrown.ts';
import type { ConnId, LoopView, Server } from '../connection/conn.ts';
import { listOrder, mergedList } from '../connection/connection-list.ts';
import type { Sendable } from '../connection/prepared.ts';
import type { HandlerCalls } from '../connection/owner.ts';
import {
  type ConnectionInfo,
  type ConnHandle,
  type ListOptions,
  type RestartOptions,
  type RestartResult,
  type ServerStats,
  type StopOptions,
  type StopResult,
  type TlsStats,
  tlsStats,
} from '../connection/server-view.ts';
import { ownAlready } from '../driver/adoption.ts';
import type { Backend } from '../driver/backend.ts';
import type { Endpoint } from '../driver/contract.ts';
import type { OwnedLogger } from '../logging/default-logger.ts';
import type { LogLevel } from '../logging/log-level.ts';
import type { Logger } from '../logging/logger.ts';
import { listensNowhere } from '../loop/listening.ts';
import type { LoopOwner } from '../loop/event-loop-settings.ts';
import { toStopResult } from '../loop/loop-end.ts';
import type { LoopGroup } from '../loop/loop-group.ts';
import { staleId } from '../mailbox/conn-handle.ts';
import { type MainServer, mainServers, nextServerId } from '../worker/main-servers.ts';
import type { ServerViewData } from '../worker/messages.ts';
import type { TlsServerOptions } from '../tls/options/types.ts';
import { AddressChanges } from './address-changes.ts';
import type { ServerTls } from './server-tls.ts';
import type { ResolvedOptions } from './options.ts';
import { exitHook } from './exit-hook.ts';
import { loadRestart } from './restart/load-restart.ts';
import { continues } from './restart/restartable.ts';
import { restartSettings } from './restart/settings.ts';
import type { ServiceManager } from './restart/service-manager.ts';
import { patientTimer } from './patient-timer.ts';
import { ListenAddresses } from './listen-addresses.ts';
import { datagramsOf, groups } from './datagram-target.ts';
import { callOnShutdown } from './on-shutdown.ts';
import { registry } from './registry.ts';
import { tellDead, tellStart, tellStop } from './server-channels.ts';

const stopTimeoutMs = 5_000;
/** After a restart clients come back one after the other, not all in the same moment. */
const goodbyesMs = 500;
/** The longest delay that a timer takes: beyond it there is no limit. */
const timerMsMax = 2 ** 31 - 1;

/** What `serve` has worked out before anything is opened. */
export interface ServerPlan {
  readonly calls: HandlerCalls;
  readonly options: ResolvedOptions;
  readonly backend: Backend;
  readonly log: OwnedLogger;
  /** The addresses as the program gave them, and what they mean. */
  readonly texts: readonly string[];
  readonly endpoints: readonly Endpoint[];
  /** Which text each endpoint is of. */
  readonly textOf: readonly number[];
  /** Undefined: connections are plain. */
  readonly tls?: ServerTls | undefined;
  /** Makes the loops. */
  readonly makeGroup: (owner: LoopOwner, server: MainServer) => LoopGroup;
  /** Its listeners can go to another process. */
  readonly canRestart: boolean;
  /** The server is over. */
  readonly onEnd: (server: MainServer, result: StopResult) => void;
  /** It listens elsewhere, too, or no more. */
  readonly onPlaces?: (server: MainServer) => void;
}

/** A server over its loops, wherever they run: its life from bound addresses to the end. */
export class RunningServer implements Server, MainServer {
  readonly id: number = nextServerId();
  readonly ready: Promise<void>;
  readonly #places = new ListenAddresses();
  /** Nothing is accepted yet. */
  #holds = false;
  readonly multicore: boolean;
  readonly numEventLoop: number;
  readonly reusePort: boolean;
  readonly tcpKeepAlive: number;
  readonly loops: readonly LoopView[];
  readonly shared: unknown;
  readonly driver: string;
  readonly #closed: Promise<void>;
  /** The program looks at `closed`: how it ends is its own business. */
  #watched = false;
  readonly #plan: ServerPlan;
  readonly #group: LoopGroup;
  readonly #closeAtExit = (): void => this.#group.closeAtExit();
  #settleClosed!: { resolve: () => void; reject: (error: unknown) => void };
  #started = false;
  #stopping: Promise<StopResult> | null = null;
  #becomeReady!: () => void;
  #ended = false;
  /** Its listeners belong to another process now; goodbyes are spread over so many milliseconds. */
  #leavesOver: number | null = null;
  /** It is stopped, by whomever but a restart. */
  onStop: (() => void) | null = null;
  /** Whoever supervises this process, if the server tells it of itself. */
  serviceManager: ServiceManager | null = null;

  /** Opens every address; rejects with a typed error and leaves nothing open when one fails. */
  static async open(plan: ServerPlan): Promise<RunningServer> {
    const server = new RunningServer(plan);
    try {
      const addresses = await server.#group.open(plan.endpoints);
      const found = plan.endpoints.map((endpoint, at) => {
        return { endpoint, address: addresses[at] as string, of: plan.textOf[at] };
      });
      plan.texts.forEach((text, index) => {
        server.#places.add(
          text,
          found.filter(({ of }) => of === index),
        );
      });
    } catch (error) {
      mainServers.delete(server.id);
      throw error;
    }
    return server;
  }

  protected constructor(plan: ServerPlan) {
    const { options, backend } = plan;
    this.#plan = plan;
    this.multicore = options.multicore;
    this.reusePort = options.reusePort;
    this.tcpKeepAlive = options.tcpKeepAlive;
    this.driver = backend.name;
    this.ready = new Promise((resolve) => {
      this.#becomeReady = resolve;
    });
    const owner = {
      shutdownRequested: () => this.#stopSoon(),
      loopDied: (error: unknown) => this.#died(error),
    };
    this.#group = plan.makeGroup(owner, this);
    this.numEventLoop = this.#group.size;
    this.loops = this.#group.views;
    this.shared = options.shared;
    mainServers.set(this.id, this);
    this.#closed = new Promise((resolve, reject) => {
      this.#settleClosed = { resolve, reject };
    });
    // A program that ignores `closed` still gets the log and the exit code.
    this.#closed.catch(() => {});
  }

  /**
   * Accepts from now on.
   * @param holds nothing is accepted before `accept`.
   */
  async start(holds = false): Promise<void> {
    this.#started = true;
    this.#holds = holds;
    // It may have been stopped in onInitComplete, and is found no more then.
    if (this.#stopping === null) registry.add(this);
    exitHook.add(this.#closeAtExit);
    await this.#group.start(holds);
    this.#becomeReady();
    tellStart(this);
  }

  accept(): void {
    this.#holds = false;
    if (this.#stopping === null) this.#group.accept();
  }

  rehearse(): Promise<void> {
    return this.#group.rehearse();
  }

  /** A stop has begun, or is over. */
  get isStopping(): boolean {
    return this.#stopping !== null || this.#ended;
  }

  get state(): 'running' | 'stopping' | 'closed' {
    if (this.#ended) return 'closed';
    return this.isStopping ? 'stopping' : 'running';
  }

  /** Closes a server that was never started. */
  async abandon(): Promise<void> {
    await this.#end(undefined);
  }

  /** Whether `stop(address)` means this one. */
  answersTo(address: string): boolean {
    return this.#places.find(address).length > 0;
  }

  /** Resolves when it is over, in whatever way; for the framework itself. */
  get over(): Promise<void> {
    return this.#closed.catch(() => {});
  }

  get closed(): Promise<void> {
    this.#watched = true;
    return this.#closed;
  }

  get addrs(): readonly string[] {
    return this.#places.addresses;
  }

  get addr(): string {
    return this.addrs[0] ?? '';
  }

  /** Whose OpenSSL it is. */
  protected get tlsEngine(): Pick<TlsStats, 'engine' | 'version'> | undefined {
    return this.#plan.tls?.about;
  }

  async setTls(options: TlsServerOptions): Promise<void> {
    const { tls } = this.#plan;
    if (tls === undefined || this.#ended) {
      throw new ErrUnsupportedOp(
        'cannot set the TLS of a server that was started without it, or is down; give the option tls to serve',
      );
    }
    tls.replace(options);
  }

  // -- restarting ---------------------------------------------------------------------------------

  async restart(options?: RestartOptions): Promise<RestartResult> {
    const { restartProgram } = await loadRestart();
    const settings = restartSettings(options);
    if (!this.#plan.canRestart) {
      throw new ErrUnsupportedOp('cannot restart a client: it has no listeners to hand over');
    }
    if (!this.#started || this.#stopping !== null || this.#ended) {
      throw new ErrServerInShutdown('cannot restart: the server is not up, or it is being stopped');
    }
    const { pid, drained } = await restartProgram(settings);
    return { pid, drained: drained.get(this) ?? this.stop() };
  }

  handOver(): ReturnType<ListenAddresses['withSockets']> {
    return this.#places.withSockets(this.#group.sockets());
  }

  pauseDatagrams(): Promise<void> {
    return this.#group.pauseDatagrams();
  }

  resumeDatagrams(): void {
    if (this.#stopping === null) this.#group.resumeDatagrams();
  }

  leave(timeout: number): Promise<StopResult> {
    this.#leavesOver = Math.min(goodbyesMs, timeout / 4);
    return this.stop({ timeout });
  }

  get logger(): Logger {
    return this.#plan.log.logger;
  }

  get native(): Backend['native'] {
    return this.#plan.backend.native;
  }

  get ticketKeys(): readonly Uint8Array[] {
    return this.#plan.tls?.ticketKeys ?? [];
  }

  useTicketKeys(keys: readonly Uint8Array[]): void {
    this.#plan.tls?.useTicketKeys(keys);
  }

  // -- other addresses ----------------------------------------------------------------------------

  readonly #changes = new AddressChanges((action) => {
    this.#mustRun(action);
    return {
      plan: this.#plan,
      places: this.#places,
      group: this.#group,
      holds: this.#holds,
      isHandingOver: this.onStop !== null,
      over: this.over,
      show: () => this.#plan.onPlaces?.(this),
    };
  });

  listen(text: string): Promise<string> {
    return this.#changes.listen(text);
  }

  unlisten(address: string): Promise<void> {
    return this.#changes.unlisten(address);
  }

  async settled(): Promise<void> {
    await this.#changes.settled();
    await this.#group.whole();
  }

  readonly sendTo: Server['sendTo'] = datagramsOf(() => this.#mustRun('send a datagram'));
  readonly joinGroup: Server['joinGroup'] = groups('join', () => this.#mustRun('join a group'));
  readonly leaveGroup: Server['joinGroup'] = groups('leave', () => this.#mustRun('leave a group'));

  async adopt(fd: number): Promise<void> {
    const group = this.#mustRun('adopt a socket');
    if (!Number.isSafeInteger(fd) || fd < 0) {
      throw new ErrInvalidOption(`cannot adopt ${textOf(fd)}: give the number of a descriptor`);
    }
    for (const server of mainServers.values()) if (server.owns(fd)) throw ownAlready(fd);
    group.adopt(fd);
  }

  owns(descriptor: number): boolean {
    return !this.#ended && this.#group.owns(descriptor);
  }

  #mustRun(action: string): LoopGroup {
    if (this.#started && !this.isStopping) return this.#group;
    throw new ErrServerInShutdown(`cannot ${action}: the server is not up, or is being stopped`);
  }

  // -- what it tells ------------------------------------------------------------------------------

  countConnections(): number {
    return this.#group.connections;
  }

  dupFd(): number {
    if (this.#ended) {
      throw new ErrServerInShutdown(
        'cannot duplicate the listener: the server is down; serve again',
      );
    }
    if (this.addrs.length === 0) throw listensNowhere();
    return this.#group.duplicateListener();
  }

  listenerWasDuplicated(): void {
    this.#group.listenerWasDuplicated();
  }

  conn(id: ConnId): ConnHandle {
    if (this.#ended) throw staleId(id);
    return this.#group.conn(id);
  }

  async broadcast(data: Sendable): Promise<number> {
    return this.#group.broadcast(data);
  }

  async listConnections(options?: ListOptions): Promise<ConnectionInfo[]> {
    const order = listOrder(options);
    return this.#ended ? [] : mergedList(await this.#group.lists(order), order);
  }

  get logLevel(): LogLevel | undefined {
    return this.#plan.log.level;
  }
  set logLevel(level: LogLevel | undefined) {
    this.#plan.log.level = level;
  }

  /** What the threads of loops show of it. */
  view(): ServerViewData {
    return {
      server: this.id,
      texts: this.#places.texts,
      addrs: this.addrs,
      multicore: this.multicore,
      numEventLoop: this.numEventLoop,
      reusePort: this.reusePort,
      tcpKeepAlive: this.tcpKeepAlive,
      shared: this.shared,
      driver: this.driver,
      host: this.#plan.backend.host.mode,
      driversRefused: this.#plan.backend.refused ?? [],
      tls: this.tlsEngine,
      memories: this.#ended ? [] : this.#group.memories(),
      listenerDescriptor: this.#group.listenerDescriptor,
      ended: this.#ended,
    };
  }

  stats(): ServerStats {
    const loops = this.#group.stats();
    return {
      driver: this.driver,
      host: this.#plan.backend.host.mode,
      driversRefused: this.#plan.backend.refused ?? [],
      tls: tlsStats(this.tlsEngine, loops),
      connections: loops.reduce((sum, loop) => sum + loop.connections, 0),
      loops,
    };
  }

  // -- stopping -----------------------------------------------------------------------------------

  stop(options: StopOptions = {}): Promise<StopResult> {
    const { timeout = stopTimeoutMs, signal } = options;
    const wrong = wrongStopTimeout(timeout);
    if (wrong !== null) return Promise.reject(wrong);
    this.#stopping ??= this.#stop();
    if (!this.#ended) this.#forceAfter(timeout, signal);
    return this.#stopping;
  }

  close(): Promise<StopResult> {
    return this.stop({ timeout: 0 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** From inside a turn: the stop begins when the turn is over. */
  #stopSoon(): void {
    queueMicrotask(() => void this.stop());
  }

  /**
   * Forces what is still open when the time is up, or right after `signal` aborts: not from inside the
   * call that aborts it, which may be a handler's, nor before the backlog was drained.
   */
  #forceAfter(timeoutMs: number, signal: AbortSignal | undefined): void {
    const timers: NodeJS.Timeout[] = [];
    // Also when only the end of the loops is waited for: one of them may be stuck even then.
    const force = (): void => this.#group.force(undefined);
    const forceIn = (ms: number): void => {
      if (ms <= timerMsMax) timers.push(patientTimer(ms, force, (timer) => timers.push(timer)));
    };
    const forceSoon = (): void => forceIn(0);
    forceIn(signal?.aborted ? 0 : timeoutMs);
    signal?.addEventListener('abort', forceSoon, { once: true });
    void this.over.then(() => {
      for (const timer of timers) clearTimeout(timer);
      signal?.removeEventListener('abort', forceSoon);
    });
  }

  /** The stop begins, or the end without one; may be called more than once. */
  protected beginStop(): void {}

  async #stop(): Promise<StopResult> {
    registry.remove(this);
    this.onStop?.();
    if (this.#leavesOver === null && !continues(this)) this.serviceManager?.stopping();
    this.beginStop();
    // Not from inside the call that asked: a handler's answer goes out first.
    await Promise.resolve();
    await this.#group.drain(this.#leavesOver);
    await this.#end(undefined);
    return toStopResult(this.#group.unfinished);
  }

  #died(error: unknown): void {
    if (this.#ended) return;
    const reason = errorOf(error);
    tellDead(this.numEventLoop, reason);
    this.#plan.log.logger.fatal('an event loop died; its server is down', { err: reason });
    // A program that does not look at `closed` ends by itself now: its supervisor must see a failure.
    if (!this.#watched) process.exitCode ??= 1;
    registry.remove(this);
    this.onStop?.();
    this.beginStop();
    this.#group.force(reason);
    this.#stopping ??= Promise.resolve({ forced: 0 });
    void this.#end(reason);
  }

  async #end(error: Error | undefined): Promise<void> {
    if (this.#ended) return;
    this.beginStop();
    const { calls, log } = this.#plan;
    const saidGoodbye = this.#started ? callOnShutdown(calls, log.logger, this) : null;
    this.#ended = true;
    if (saidGoodbye !== null) await saidGoodbye;
    exitHook.remove(this.#closeAtExit);
    const unclosed = await this.#group.close().then(() => error, errorOf);
    this.#plan.tls?.end();
    mainServers.delete(this.id);
    this.#becomeReady();
    this.#plan.onEnd(this, toStopResult(this.#group.unfinished));
    await log.close();
    const reason = error ?? unclosed;
    if (this.#started) tellStop(this, toStopResult(this.#group.unfinished), reason);
    if (reason === undefined) this.#settleClosed.resolve();
    else this.#settleClosed.reject(reason);
  }
}
