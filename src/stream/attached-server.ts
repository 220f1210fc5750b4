import { type Conn, ErrUnsupportedOp, type Server } from '../index.ts';
import type { ConnSocket, ConnSocketOptions, SocketSettings } from './conn-socket.ts';
import { serverAddress, type SocketAddress } from './socket-address.ts';
import { socketOver } from './to-duplex.ts';
import { nameUpperSockets } from './upper-sockets.ts';

/** A server that takes connections through its event `'connection'`. */
export interface ConnectionServer {
  // biome-ignore lint/suspicious/noExplicitAny: as node:events has it
  emit(event: any, ...values: any[]): boolean;
  readonly allowHalfOpen?: boolean;
}

export interface AttachedOptions extends ConnSocketOptions {
  /**
   * What a stop does with open connections: true waits, up to its timeout, until they end by
   * themselves; false closes them after their written data has gone out. Default: true for HTTP,
   * where idle connections close at once and the others after their answer; false for everything
   * else.
   */
  readonly waitForConnections?: boolean;
}

/** Of a server that a handler module makes for its loop. */
export interface ConnectionHandlerOptions extends AttachedOptions {
  /**
   * The `server` of the module's `LoopContext`. Without it, `close()` of a server that was made in
   * the thread of a loop throws `ErrUnsupportedOp`: it knows no listeners.
   */
  readonly server?: Promise<Server>;
}

type CloseCallback = (error?: Error) => void;
type Listener = typeof lastAnswer | typeof lastSession;

/** What else there may be: of `net.Server`, `http.Server` and `http2`. */
interface KnownServer extends ConnectionServer {
  once?(event: 'close', listener: CloseCallback): unknown;
  close?(callback?: CloseCallback): unknown;
  closeIdleConnections?(): void;
  prependListener?(event: string, listener: Listener): unknown;
  removeListener?(event: string, listener: Listener): unknown;
  /** Milliseconds. */
  readonly keepAliveTimeout?: number;
  updateSettings?: unknown;
  setSecureContext?: unknown;
  /** What `net.Server` counts; it emits `'close'` when it is closed and this is 0. */
  _connections?: number;
  _emitCloseIfDrained?(): void;
  /** What `net.Server` listens with, and what its `close` closes. */
  _handle?: Handle | null;
}

interface Handle {
  close(): void;
  ref(): void;
  unref(): void;
}

/** A `ServerResponse`. */
interface Answer {
  shouldKeepAlive?: boolean;
}

/** From the beginning of a stop each answer says that its connection ends. */
function lastAnswer(_request: unknown, answer: Answer): void {
  answer.shouldKeepAlive = false;
}

/** Of http2: whoever connected before a stop and is accepted during it asks nothing more. */
function lastSession(session: { close(): void }): void {
  session.close();
}

/** Servers that have listeners of gnet. */
const attached = new WeakSet<object>();

/** While a server stops, a connection whose request is answered becomes idle, and nobody says so. */
const idleLookMs = 20;

/** A server of Node's over listeners of gnet: what it emits, and what it tells of them. */
export class AttachedServer {
  readonly #server: KnownServer;
  readonly #socketSettings: SocketSettings;
  readonly #waits: boolean;
  #running: Server | null = null;
  /** The same, before it is known. */
  readonly #willRun: Promise<Server> | undefined;
  #address: string | null = null;
  #connections = 0;
  #isStopping = false;
  #look: NodeJS.Timeout | undefined;
  /** Settles when the connections of this thread have ended by themselves. */
  #allGone: Promise<void> | null = null;
  #tellAllGone: () => void = () => {};
  /** Programs may have kept, or wrapped, the `close` of the server before: it comes here in the end. */
  readonly #handle: Handle = { close: () => this.#closedByNode(), ref() {}, unref() {} };

  constructor(server: ConnectionServer, options: ConnectionHandlerOptions) {
    const { waitForConnections, server: willRun, ...socketOptions } = options;
    if (attached.has(server)) {
      throw new ErrUnsupportedOp(
        'cannot attach a server twice: close it first, or give attach several addresses',
      );
    }
    this.#server = server as KnownServer;
    this.#waits = waitForConnections ?? endsByItself(this.#server);
    this.#socketSettings = {
      ...socketOptions,
      goodbye: () => this.stops(),
      gone: () => this.#gone(),
    };
    this.#willRun = willRun;
    willRun?.then(
      (running) => this.listens(running),
      () => {},
    );
  }

  /** Also before `serve` has resolved: a connection may come sooner. */
  listens(running: Server): void {
    if (this.#running === null) {
      this.#running = running;
      void running.closed.then(
        () => this.#closed(),
        () => this.#closed(),
      );
    }
    this.#announce(running.addr);
  }

  #announce(address: string): void {
    if (this.#address !== null) return;
    this.#address = address;
    this.#takeOver();
    nameUpperSockets(this.#server);
    // An HTTP server begins to look for slow requests at this event.
    this.#server.emit('listening');
  }

  connected(c: Conn): void {
    if (this.#address === null) this.#announce(c.localAddr);
    // A socket may be gone when it is made.
    this.#connections++;
    const socket = this.#socketOf(c);
    socket.server = this.#server as unknown as typeof socket.server;
    this.#server.emit('connection', socket);
    if (this.#isStopping) this.#watchLate(socket);
  }

  /** It was accepted during a stop: if it asks nothing, nobody else would close it. */
  #watchLate(socket: ConnSocket): void {
    const { keepAliveTimeout } = this.#server;
    if (keepAliveTimeout === undefined) return;
    const look = (): void => {
      if (socket.bytesRead === 0) socket.destroy();
    };
    setTimeout(look, keepAliveTimeout).unref();
  }

  #socketOf(c: Conn): ConnSocket {
    try {
      return socketOver(c, this.#socketSettings);
    } catch (error) {
      this.#connections--;
      throw error;
    }
  }

  // -- what the server tells ----------------------------------------------------------------------

  #takeOver(): void {
    attached.add(this.#server);
    const own: PropertyDescriptorMap = {
      listening: { get: () => this.#address !== null && !this.#isStopping },
      address: { value: () => this.#whereItListens() },
      getConnections: {
        value: (callback: (error: null, count: number) => void) => {
          process.nextTick(callback, null, this.#connections);
          return this.#server;
        },
      },
    };
    if (isOfNode(this.#server)) this.#server._handle = this.#handle;
    else own.close = { value: (callback?: CloseCallback) => this.#close(callback) };
    for (const descriptor of Object.values(own)) {
      descriptor.configurable = true;
      // Programs put functions of their own before these, too.
      if (descriptor.get === undefined) descriptor.writable = true;
    }
    Object.defineProperties(this.#server, own);
  }

  /** The server is as it was before, and may be attached again. */
  restore(): void {
    if (this.#address === null) return;
    const own = ['listening', 'address', 'getConnections'];
    if (!isOfNode(this.#server)) own.push('close');
    else if (this.#server._handle === this.#handle) this.#server._handle = null;
    for (const name of own) Reflect.deleteProperty(this.#server, name);
    this.#server.removeListener?.('request', lastAnswer);
    this.#server.removeListener?.('session', lastSession);
    attached.delete(this.#server);
  }

  #whereItListens(): SocketAddress | string | null {
    return this.#isStopping || this.#address === null ? null : serverAddress(this.#address);
  }

  // -- the end ------------------------------------------------------------------------------------

  /** Of its `close`, which emits `'close'` only where no connection is counted. */
  #closedByNode(): void {
    if (!this.#isStopping) {
      const running = this.#whatRuns();
      this.#isStopping = true;
      this.#endNewSessions();
      stopPatiently(running);
    }
    this.#server._connections = this.#connections + 1;
  }

  /** @throws ErrUnsupportedOp where nobody has told. */
  #whatRuns(): Server | Promise<Server> {
    const running = this.#running ?? this.#willRun;
    if (running !== undefined) return running;
    throw new ErrUnsupportedOp(
      'cannot close a server in the thread of a loop: give connectionHandler the server of its LoopContext',
    );
  }

  #endNewSessions(): void {
    if (this.#server.updateSettings !== undefined) {
      this.#server.prependListener?.('session', lastSession);
    }
  }

  /**
   * `close()` of the server waits for as long as it takes, as that of Node does: whoever is idle is closed
   * now, and whoever is not may go on asking, until it is idle for `keepAliveTimeout`.
   */
  #close(callback?: CloseCallback): KnownServer {
    const server = this.#server;
    if (this.#isStopping) {
      if (callback !== undefined) server.once?.('close', () => callback(notRunning()));
      return server;
    }
    const running = this.#whatRuns();
    if (callback !== undefined) server.once?.('close', callback);
    this.#beginStop(false);
    stopPatiently(running);
    return server;
  }

  /** One of its connections is told that the server stops: for HTTP it ends when it is answered. */
  stops(): Promise<void> | undefined {
    this.#beginStop(true);
    if (!this.#waits) return undefined;
    this.#allGone ??= new Promise((resolve) => {
      this.#tellAllGone = resolve;
    });
    return this.#allGone;
  }

  /** @param isInHurry each answer is the last one of its connection from now on. */
  #beginStop(isInHurry: boolean): void {
    if (this.#isStopping) return;
    this.#isStopping = true;
    const server = this.#server;
    this.#endNewSessions();
    if (isInHurry) server.prependListener?.('request', lastAnswer);
    this.#closeInner();
    if (!isInHurry || server.closeIdleConnections === undefined) return;
    const look = (): void => server.closeIdleConnections?.();
    this.#look = setInterval(look, idleLookMs).unref();
  }

  /** What its own `close` sees to; its `'close'` waits for our connections. */
  #closeInner(): void {
    const server = this.#server;
    if (isOfNode(server)) (Object.getPrototypeOf(server) as KnownServer).close?.call(server);
  }

  #gone(): void {
    if (--this.#connections > 0) return;
    this.#tellAllGone();
    clearInterval(this.#look);
  }

  /** All loops are down. */
  #closed(): void {
    this.#beginStop(true);
    clearInterval(this.#look);
    const server = this.#server;
    this.restore();
    if (typeof server._connections === 'number' && server._emitCloseIfDrained) {
      server._connections = 0;
      server._emitCloseIfDrained();
    } else {
      server.emit('close');
    }
  }
}

/** TLS decides by itself when the stream below it ends: not before what it has still to write. */
export function keepsHalfOpen(server: ConnectionServer): boolean {
  return server.allowHalfOpen === true || (server as KnownServer).setSecureContext !== undefined;
}

/** Waits for the connections without limit. */
function stopPatiently(running: Server | Promise<Server>): void {
  const stop = (server: Server): unknown => server.stop({ timeout: Number.POSITIVE_INFINITY });
  if (running instanceof Promise) running.then(stop).catch(() => {});
  else void stop(running);
}

/** Its `close` is that of `net.Server` in the end. */
function isOfNode(server: KnownServer): boolean {
  const { _connections, _emitCloseIfDrained, _handle } = server;
  return (
    typeof _connections === 'number' && _emitCloseIfDrained !== undefined && _handle !== undefined
  );
}

/** Whose connections end when nothing is under way on them any more. */
function endsByItself(server: KnownServer): boolean {
  return server.closeIdleConnections !== undefined || server.updateSettings !== undefined;
}

function notRunning(): Error {
  return Object.assign(new Error('cannot close the server: it is not running'), {
    code: 'ERR_SERVER_NOT_RUNNING',
  });
}
