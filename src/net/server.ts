import { EventEmitter } from 'node:events';
import type { AddressInfo } from 'node:net';
import { ErrUnsupportedOp } from '../index.ts';
import { attach } from '../stream/attach.ts';
import type { ConnSocket } from '../stream/conn-socket.ts';
import { nodeError } from './node-error.ts';
import { type ListenTarget, listenTarget } from './listen-arguments.ts';

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
  /** From `listen` to `'listening'` it is opening; from there to `'close'` open, also while it closes. */
  #state: 'closed' | 'opening' | 'open' = 'closed';
  /** Of a `close` while it was opening: nobody hears that it listened. */
  #closing: CloseCallback[] | null = null;
  /** A `listen` that came while it closes. */
  #next: ListenTarget | null = null;
  /** Counts what was opened. */
  #life = 0;

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
   * Like `net.Server.listen`, with a port, a path or an object. Emits `error` if it fails. After `close`
   * it listens again when the connections from before have ended.
   * @throws `ERR_SERVER_ALREADY_LISTEN`, `ERR_SOCKET_BAD_PORT`, ErrUnsupportedOp, ErrInvalidOption.
   */
  listen(...given: unknown[]): this {
    const isClosing = this.#closing !== null || (this.#state === 'open' && !this.listening);
    if (this.#next !== null || (this.#state !== 'closed' && !isClosing)) {
      throw coded('cannot listen twice: close the server first', 'ERR_SERVER_ALREADY_LISTEN');
    }
    const target = listenTarget(given);
    if (target.listening !== undefined) this.once('listening', target.listening);
    if (isClosing) this.#next = target;
    else this.#open(target);
    return this;
  }

  #open({ address, backlog, reusePort, signal }: ListenTarget): void {
    if (signal?.aborted) {
      process.nextTick(() => this.emit('close'));
      return;
    }
    this.#state = 'opening';
    const life = ++this.#life;
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
    }).catch((error: unknown) => {
      // Later: what a listener throws is no rejection.
      process.nextTick(() => {
        const isOpening = this.#state === 'opening' && this.#life === life;
        const isAborted = signal?.aborted === true;
        if (isOpening) this.#failed(error, isAborted);
        // A signal that aborts while it listens has closed it; else a listener has thrown.
        else if (!isAborted) throw error;
      });
    });
  }

  #failed(error: unknown, isAborted: boolean): void {
    const closing = this.#closing;
    this.#closing = null;
    this.#state = 'closed';
    for (const callback of closing ?? []) this.once('close', () => callback(notRunning()));
    try {
      if (!isAborted) this.emit('error', nodeError(error));
    } finally {
      if (isAborted || closing !== null) this.emit('close');
      this.#openNext();
    }
  }

  #openNext(): void {
    const next = this.#next;
    this.#next = null;
    if (next !== null && this.#state === 'closed') this.#open(next);
  }

  /** What the listeners tell comes by here: this server is what it says before anybody hears it. */
  override emit(event: string | symbol, ...values: unknown[]): boolean {
    if (event === 'listening' && this.#state === 'opening') {
      this.#state = 'open';
      this.#watchClose();
      if (this.#closing !== null) return this.#closeAtOnce(this.#closing);
    } else if (event === 'connection' && this.#closing !== null) {
      (values[0] as ConnSocket).destroy();
      return true;
    } else if (event === 'close' && this.#state === 'open') {
      this.#state = 'closed';
      this.#closing = null;
      try {
        return super.emit(event, ...values);
      } finally {
        this.#openNext();
      }
    }
    return super.emit(event, ...values);
  }

  /** Its `close` is that of the listeners from here to the end, which know of no `listen` that waits. */
  #watchClose(): void {
    const { close } = this;
    const value = (callback?: CloseCallback): this => {
      const waits = this.#dropNext();
      if (!waits) close.call(this, callback);
      else if (callback !== undefined) this.once('close', callback);
      return this;
    };
    Object.defineProperty(this, 'close', { value, configurable: true, writable: true });
  }

  /** Whether a `listen` waited, which will not be done. */
  #dropNext(): boolean {
    const next = this.#next;
    this.#next = null;
    if (next?.listening !== undefined) this.removeListener('listening', next.listening);
    return next !== null;
  }

  /** Its `close` is that of the listeners now. */
  #closeAtOnce(callbacks: readonly CloseCallback[]): boolean {
    for (const callback of callbacks) this.once('close', callback);
    this.close();
    return true;
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
      this.#closing ??= [];
      this.#dropNext();
      if (callback !== undefined) this.#closing.push(callback);
      return this;
    }
    if (callback !== undefined) this.once('close', () => callback(notRunning()));
    process.nextTick(() => this.emit('close'));
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
    if (this.#state === 'closed') return;
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

function notRunning(): Error {
  return coded('cannot close the server: it is not running', 'ERR_SERVER_NOT_RUNNING');
}

function coded(message: string, code: string): Error {
  return Object.assign(new Error(message), { code });
}
