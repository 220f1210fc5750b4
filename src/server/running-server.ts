import { ErrServerInShutdown } from '../base/errors.ts';
import type { Bytes, ConnId } from '../connection/conn.ts';
import type { HandlerCalls } from '../connection/host.ts';
import { fromConnId } from '../connection/identity.ts';
import type {
  ConnHandle,
  Server,
  ServerStats,
  StopOptions,
  StopResult,
} from '../connection/server-view.ts';
import type { StreamConnection } from '../connection/stream-connection.ts';
import type { Backend } from '../driver/backend.ts';
import type { Endpoint } from '../driver/contract.ts';
import type { OwnedLogger } from '../logging/default-logger.ts';
import { EventLoop } from '../loop/event-loop.ts';
import { LocalConnHandle, staleId } from './conn-handle.ts';
import type { ResolvedOptions } from './options.ts';
import { registry } from './registry.ts';

const stopTimeoutMs = 5_000;

/** What `serve` has worked out before anything is opened. */
export interface ServerPlan {
  readonly calls: HandlerCalls;
  readonly options: ResolvedOptions;
  readonly backend: Backend;
  readonly log: OwnedLogger;
  /** The addresses as the program gave them, and what they mean. */
  readonly texts: readonly string[];
  readonly endpoints: readonly Endpoint[];
}

/** A server with one loop on this thread. */
export class RunningServer implements Server {
  #addrs: readonly string[] = [];
  readonly multicore: boolean;
  readonly numEventLoop = 1;
  readonly reusePort: boolean;
  readonly tcpKeepAlive: number;
  readonly driver: string;
  readonly closed: Promise<void>;
  readonly #plan: ServerPlan;
  readonly #loop: EventLoop;
  readonly #closeAtExit = (): void => this.#loop.close();
  #settleClosed!: { resolve: () => void; reject: (error: unknown) => void };
  #started = false;
  #stopping: Promise<StopResult> | null = null;
  #force: (() => void) | null = null;
  #forced = 0;
  #ended = false;

  /** Opens every address; rejects with a typed error and leaves nothing open when one fails. */
  static async open(plan: ServerPlan): Promise<RunningServer> {
    const server = new RunningServer(plan);
    try {
      const addrs: string[] = [];
      for (const endpoint of plan.endpoints) {
        await server.#loop.prepare(endpoint);
        addrs.push(server.#loop.listen(endpoint));
      }
      server.#addrs = addrs;
    } catch (error) {
      server.#loop.close();
      throw error;
    }
    return server;
  }

  private constructor(plan: ServerPlan) {
    const { options, backend, calls, log } = plan;
    this.#plan = plan;
    this.multicore = options.multicore;
    this.reusePort = options.reusePort;
    this.tcpKeepAlive = options.tcpKeepAlive;
    this.driver = backend.name;
    const owner = {
      shutdownRequested: () => this.#stopSoon(),
      loopDied: (error: unknown) => this.#died(error),
    };
    this.#loop = new EventLoop(backend, calls, loopSettings(options), owner, log.logger);
    this.closed = new Promise((resolve, reject) => {
      this.#settleClosed = { resolve, reject };
    });
    // Whoever does not look at `closed` has the log.
    this.closed.catch(() => {});
  }

  /** Accepts from now on. */
  start(): void {
    this.#started = true;
    this.#loop.start();
    registry.add(this);
    process.on('exit', this.#closeAtExit);
  }

  /** Closes a server that was never started. */
  async abandon(): Promise<void> {
    await this.#end(undefined);
  }

  /** Whether `stop(address)` means this one. */
  answersTo(address: string): boolean {
    return this.#plan.texts.includes(address) || this.addrs.includes(address);
  }

  get addrs(): readonly string[] {
    return this.#addrs;
  }

  get addr(): string {
    return this.addrs[0] ?? '';
  }

  countConnections(): number {
    return this.#loop.connectionCount;
  }

  dupFd(): number {
    if (this.#ended) {
      throw new ErrServerInShutdown(
        'cannot duplicate the listener: the server is down; serve again',
      );
    }
    return this.#loop.duplicateListener();
  }

  readonly #find = (id: ConnId): StreamConnection | null => {
    const identity = fromConnId(id);
    if (identity === null || identity.loop !== this.#loop.index) return null;
    return this.#loop.connection(identity.slot, identity.generation);
  };

  conn(id: ConnId): ConnHandle {
    if (this.#find(id) === null) throw staleId(id);
    return new LocalConnHandle(id, this.#find);
  }

  async broadcast(data: Bytes): Promise<number> {
    let taken = 0;
    for (const connection of this.#loop.connections()) {
      if (connection.isClosing) continue;
      connection.asyncWrite(data);
      if (!connection.isClosed) taken++;
    }
    return taken;
  }

  stats(): ServerStats {
    const loops = [this.#loop.stats()];
    return {
      driver: this.driver,
      host: this.#plan.backend.host.mode,
      driversRefused: this.#plan.backend.refused ?? [],
      connections: loops.reduce((sum, loop) => sum + loop.connections, 0),
      loops,
    };
  }

  // -- stopping -----------------------------------------------------------------------------------

  stop(options: StopOptions = {}): Promise<StopResult> {
    const { timeout = stopTimeoutMs, signal } = options;
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

  /** Forces what is still open when the time is up, or at once when `signal` aborts. */
  #forceAfter(timeoutMs: number, signal: AbortSignal | undefined): void {
    const force = (): void => this.#force?.();
    if (signal?.aborted) {
      force();
      return;
    }
    const timer = setTimeout(force, timeoutMs);
    signal?.addEventListener('abort', force, { once: true });
    void this.closed
      .catch(() => {})
      .then(() => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', force);
      });
  }

  async #stop(): Promise<StopResult> {
    registry.remove(this);
    this.#force = () => {
      this.#forced += this.#loop.abortConnections(undefined);
    };
    // Not from inside the call that asked: a handler's answer goes out first.
    await Promise.resolve();
    await this.#loop.prepareStop();
    this.#loop.stopAccepting();
    await this.#loop.closeConnections();
    this.#loop.stopTicker();
    await this.#end(undefined);
    return { forced: this.#forced };
  }

  #died(error: unknown): void {
    if (this.#ended) return;
    this.#plan.log.logger.fatal('an event loop died; its server is down', { err: error });
    registry.remove(this);
    const reason = error instanceof Error ? error : new Error(String(error));
    this.#loop.abortConnections(reason);
    this.#stopping ??= Promise.resolve({ forced: 0 });
    void this.#end(reason);
  }

  async #end(error: Error | undefined): Promise<void> {
    if (this.#ended) return;
    if (this.#started) this.#callOnShutdown();
    this.#ended = true;
    this.#force = null;
    process.off('exit', this.#closeAtExit);
    this.#loop.close();
    await this.#plan.log.close();
    if (error === undefined) this.#settleClosed.resolve();
    else this.#settleClosed.reject(error);
  }

  #callOnShutdown(): void {
    try {
      this.#plan.calls.handler.onShutdown?.(this);
    } catch (thrown) {
      this.#plan.log.logger.error('onShutdown threw', { err: thrown });
    }
  }
}

function loopSettings(options: ResolvedOptions) {
  return {
    index: 0,
    readBufferBytes: options.readBufferCap,
    maxConnections: options.maxConnections,
    ticker: options.ticker,
    poisonFrames: process.env['NODE_ENV'] !== 'production' || process.env['GNET_DEBUG'] === '1',
    connection: {
      codec: options.codec,
      highWaterMark: options.highWaterMark,
      lowWaterMark: options.lowWaterMark,
      maxOutboundBytes: options.maxOutboundBytes,
      maxInboundBytes: options.maxInboundBytes,
      maxFrameLength: options.maxFrameLength,
      closeOnOverflow: options.overflow === 'close',
      allowHalfOpen: options.allowHalfOpen,
      timeouts: {
        idleTimeout: options.idleTimeout,
        writeTimeout: options.writeTimeout,
        closeTimeout: options.closeTimeout,
      },
      socket: {
        backlog: options.backlog,
        reusePort: options.reusePort,
        tcpNoDelay: options.tcpNoDelay,
        keepAliveSeconds: options.keepAliveSeconds,
        receiveBufferBytes: options.socketRecvBuffer,
        sendBufferBytes: options.socketSendBuffer,
      },
    },
  };
}
