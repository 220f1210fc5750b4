import { EventEmitter } from 'node:events';
import type { AddressInfo } from 'node:net';
import { ErrUnsupportedOp, type Server as GnetServer } from '../index.ts';
import { attach } from '../stream/attach.ts';
import type { ConnSocket } from '../stream/conn-socket.ts';
import { nodeError } from './node-error.ts';
import { listenTarget } from './listen-arguments.ts';

export interface ServerOptions {
  readonly allowHalfOpen?: boolean;
  readonly pauseOnConnect?: boolean;
  readonly noDelay?: boolean;
  readonly keepAlive?: boolean;
  /** Milliseconds. */
  readonly keepAliveInitialDelay?: number;
  readonly highWaterMark?: number;
}

type ConnectionListener = (socket: ConnSocket) => void;
type CloseCallback = (error?: Error) => void;

/** What the kernel takes when it is not told. */
const keepAliveDefaultMs = 7_200_000;

/** A `net.Server` on gnet's listeners. Events: `listening`, `connection`, `close`, `error`. */
export class Server extends EventEmitter {
  readonly allowHalfOpen: boolean;
  /** The most open connections; set it before `listen`. Further ones wait in the backlog. */
  maxConnections: number | undefined = undefined;
  readonly #options: ServerOptions;
  #running: GnetServer | null = null;
  #state: 'closed' | 'opening' | 'open' = 'closed';

  constructor(options: ServerOptions = {}, listener?: ConnectionListener) {
    super();
    if ((options as { blockList?: unknown }).blockList !== undefined) {
      throw new ErrUnsupportedOp(
        'cannot listen with a blockList: close what is not wanted in the connection listener',
      );
    }
    this.#options = options;
    this.allowHalfOpen = options.allowHalfOpen ?? false;
    if (options.pauseOnConnect === true) {
      this.on('connection', (socket: ConnSocket) => socket.pause());
    }
    if (listener !== undefined) this.on('connection', listener);
  }

  /**
   * Like `net.Server.listen`, with a port, a path or an object. Emits `error` if it fails.
   * @throws `ERR_SERVER_ALREADY_LISTEN`, ErrUnsupportedOp, ErrInvalidOption.
   */
  listen(...given: unknown[]): this {
    if (this.#state !== 'closed') {
      throw coded('cannot listen twice: close the server first', 'ERR_SERVER_ALREADY_LISTEN');
    }
    const { address, backlog, reusePort, signal, listening } = listenTarget(given);
    if (listening !== undefined) this.once('listening', listening);
    this.#state = 'opening';
    const { noDelay = false, keepAlive = false, keepAliveInitialDelay = 0 } = this.#options;
    attach(this, address, {
      waitForConnections: true,
      tcpNoDelay: noDelay,
      reusePort,
      ...(backlog !== undefined && { backlog }),
      ...(this.maxConnections !== undefined && { maxConnections: this.maxConnections }),
      ...(signal !== undefined && { signal }),
      ...(this.#options.highWaterMark !== undefined && {
        highWaterMark: this.#options.highWaterMark,
      }),
      ...(keepAlive && { tcpKeepAlive: keepAliveInitialDelay || keepAliveDefaultMs }),
    }).then(
      (running) => this.#opened(running),
      (error: unknown) => this.#failed(error),
    );
    return this;
  }

  #opened(running: GnetServer): void {
    this.#running = running;
    const over = (): void => {
      this.#running = null;
      this.#state = 'closed';
    };
    void running.closed.then(over, over);
    if (this.#state === 'opening') this.#state = 'open';
    else void running.stop({ timeout: Number.POSITIVE_INFINITY });
  }

  #failed(error: unknown): void {
    this.#state = 'closed';
    this.emit('error', nodeError(error));
  }

  // While it listens these four are replaced by those of the listeners.

  get listening(): boolean {
    return false;
  }

  address(): AddressInfo | string | null {
    return null;
  }

  close(callback?: CloseCallback): this {
    if (this.#state === 'opening') {
      this.#state = 'open';
      if (callback !== undefined) this.once('close', callback);
      this.once('listening', () => this.close());
      return this;
    }
    const notRunning = coded(
      'cannot close the server: it is not running',
      'ERR_SERVER_NOT_RUNNING',
    );
    if (callback !== undefined) process.nextTick(callback, notRunning);
    return this;
  }

  getConnections(callback: (error: Error | null, count: number) => void): this {
    process.nextTick(callback, null, 0);
    return this;
  }

  /** Does nothing: an open server keeps the process alive until it is closed. */
  ref(): this {
    return this;
  }
  /** See `ref`. */
  unref(): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#running === null) return;
    await new Promise<void>((resolve) => {
      this.once('close', resolve);
      this.close();
    });
  }
}

/** `net.createServer`. */
export function createServer(listener?: ConnectionListener): Server;
export function createServer(options: ServerOptions, listener?: ConnectionListener): Server;
export function createServer(
  first?: ServerOptions | ConnectionListener,
  second?: ConnectionListener,
): Server {
  return typeof first === 'function' ? new Server({}, first) : new Server(first, second);
}

function coded(message: string, code: string): Error {
  return Object.assign(new Error(message), { code });
}
