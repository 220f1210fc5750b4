import type { AddressInfo, Server, SetKeepAliveOptions, SocketConnectOpts } from 'node:net';
import { addAbortSignal, type Duplex } from 'node:stream';
import {
  BuiltInFrameCodec,
  type Bytes,
  type Conn,
  ErrConnClosed,
  ErrUnsupportedOp,
} from '../index.ts';
import { Dialler } from './dialler.ts';
import {
  queuedLength,
  queueNeedsDrain,
  setQueueEncoding,
  SocketBase,
  unshiftQueued,
  writeQueued,
} from './socket-base.ts';
import { keepAliveOf } from './keep-alive.ts';
import { socketAddress, type SocketAddress } from './socket-address.ts';
import {
  brokenPipe,
  type Goodbye,
  shortBytesMax,
  SocketLink,
  type WriteCallback,
} from './socket-link.ts';
import { SocketTimeout } from './socket-timeout.ts';
import { textBytes } from './text-bytes.ts';
import { checkedTimeout } from './timeout-argument.ts';

export interface ConnSocketOptions {
  /**
   * Keeps our side open after the peer has ended its side. Default false: our side also ends, once
   * everything received has been read.
   */
  readonly allowHalfOpen?: boolean;
  /** The high-water mark of the stream in bytes, in each direction. Default 65,536. */
  readonly highWaterMark?: number;
  /** Destroys the stream when it aborts. */
  readonly signal?: AbortSignal;
}

/** With what this package alone sets. */
export interface SocketSettings extends ConnSocketOptions {
  readonly goodbye?: Goodbye;
  /** It is destroyed. A listener of `'close'` more would cost each answer of node:http, which adds one. */
  readonly gone?: () => void;
}

type Callback = () => void;
/** What a destroyed stream does with its connection. */
type Ending = 'destroy' | 'reset';

const markDefault = 65_536;
const rawBytes = new BuiltInFrameCodec();

/**
 * A connection as a `stream.Duplex` with the members of `net.Socket`, for packages made for
 * `node:net`. Use it on the thread of the connection's loop.
 *
 * Unlike on a `net.Socket`, `ref` and `unref` do nothing, because the server keeps the process
 * alive, and `cork` does nothing, because all writes of one turn leave together.
 */
export class ConnSocket extends SocketBase {
  static {
    // Accessors of `Duplex`, which its types call fields.
    Object.defineProperties(ConnSocket.prototype, {
      writableLength: {
        get(this: ConnSocket): number {
          const link = this.#link;
          return this.#queuedLength - link.given + (link.conn?.outboundBuffered() ?? 0);
        },
      },
      writableNeedDrain: {
        get(this: ConnSocket): boolean {
          return this.#link.full || queueNeedsDrain.call(this);
        },
      },
    });
  }

  /** The server of `node:net` that it was given to. */
  server: Server | null = null;
  readonly autoSelectFamilyAttemptedAddresses: string[] = [];
  #link: SocketLink;
  readonly #goodbye: Goodbye | undefined;
  readonly #mark: number;
  readonly #gone: (() => void) | undefined;
  #timeout: SocketTimeout | null = null;
  #dialler: Dialler | null = null;
  #connecting = false;
  /** `'close'` has been told: it may begin another life. */
  #isGone = false;
  /** Its signal had aborted before it was made: it never connects. */
  #isAborted = false;
  #ending: Ending = 'destroy';
  /** Of texts that are written without naming one. */
  #defaultEncoding: string | undefined = undefined;
  #remote: SocketAddress | null = null;
  #local: SocketAddress | null = null;
  /** Settings for the connection that opens next. */
  #noDelay: boolean | null = null;
  #keepAlive: Parameters<Conn['setKeepAlive']> | null = null;

  /** @param below a connection that is open, or who dials when `connect` is called. */
  constructor(options: SocketSettings, below: Conn | Dialler) {
    const { allowHalfOpen = false, highWaterMark = markDefault, signal, goodbye, gone } = options;
    // It says of `'close'` whether there was an error, which a Duplex does not.
    super({ allowHalfOpen, highWaterMark, emitClose: false });
    this.#mark = highWaterMark;
    this.#gone = gone;
    this.#goodbye = goodbye;
    this.#link = this.#newLink();
    if (below instanceof Dialler) this.#dialler = below;
    else this.#takeOver(below);
    // Only now: one that was aborted before destroys the stream here.
    if (signal === undefined) return;
    this.#isAborted = signal.aborted;
    addAbortSignal(signal, this as unknown as Duplex);
  }

  #newLink(): SocketLink {
    return new SocketLink(this, this.#mark, (c) => this.#opened(c), this.#goodbye);
  }

  /** The underlying gnet connection; null until it is connected. */
  get conn(): Conn | null {
    return this.#link.conn;
  }

  #takeOver(c: Conn): void {
    this.#link.use(c);
    c.setHandler(this.#link);
    this.#setUp(c);
    if (!c.isClosed) return;
    this.#link.closed = true;
    this.destroy();
  }

  #setUp(c: Conn): void {
    c.setCodec(rawBytes);
    c.setFlow({
      allowHalfOpen: true,
      overflow: 'none',
      highWaterMark: this.#mark,
      lowWaterMark: this.#mark >> 2,
      // As on net.Socket, a writer that does not wait is not cut off.
      maxOutboundBytes: Number.MAX_SAFE_INTEGER,
    });
  }

  #opened(c: Conn): void {
    this.#setUp(c);
    this.#connecting = false;
    this.#timeout?.rearm();
    if (this.#noDelay !== null) c.setNoDelay(this.#noDelay);
    if (this.#keepAlive !== null) c.setKeepAlive(...this.#keepAlive);
    this.emit('connect');
    this.emit('ready');
  }

  // -- stream.Duplex ------------------------------------------------------------------------------

  _read(): void {
    this.#link.read();
  }

  unshift(chunk: unknown, encoding?: BufferEncoding): void {
    this.#link.unshifted();
    unshiftQueued.call(this, chunk, encoding);
  }

  write(chunk: Uint8Array | string, callback?: WriteCallback): boolean;
  write(chunk: Uint8Array | string, encoding?: BufferEncoding, callback?: WriteCallback): boolean;
  write(
    chunk: Uint8Array | string,
    encoding?: BufferEncoding | WriteCallback,
    callback?: WriteCallback,
  ): boolean {
    const link = this.#link;
    const inUse = link.full || link.closed || link.conn === null || this.#queuedLength > 0;
    const encodingName = typeof encoding === 'function' ? null : encoding;
    const bytes = inUse || !this.writable ? null : this.#bytesOf(chunk, encodingName);
    if (bytes === null) return this.#writeQueued(chunk, encoding, callback);
    const more = link.send(bytes);
    const done = typeof encoding === 'function' ? encoding : callback;
    if (done) link.callBack(done);
    if (!more) link.oweDrain();
    return more;
  }

  /** Null when the stream's own queue must see to it: errors, encodings, and what is large. */
  #bytesOf(chunk: unknown, encoding: string | null | undefined): Bytes | null {
    if (typeof chunk === 'string') {
      if (chunk.length > shortBytesMax) return null;
      return textBytes(chunk, encoding ?? this.#defaultEncoding);
    }
    return chunk instanceof Uint8Array && chunk.length <= shortBytesMax ? chunk : null;
  }

  setDefaultEncoding(encoding: BufferEncoding): this {
    setQueueEncoding.call(this, encoding);
    this.#defaultEncoding = encoding;
    return this;
  }

  /** By way of the stream's own queue. */
  #writeQueued(
    chunk: Uint8Array | string,
    encoding?: BufferEncoding | WriteCallback,
    callback?: WriteCallback,
  ): boolean {
    if (this.writableEnded && this.readableEnded && !this.allowHalfOpen) {
      return this.#refuse(typeof encoding === 'function' ? encoding : callback);
    }
    const more = writeQueued.call(this, chunk, encoding, callback);
    if (!this.#link.full) return more;
    this.#link.oweDrain();
    return false;
  }

  /** The peer has ended, and so our side ended, too. */
  #refuse(callback: WriteCallback | undefined): false {
    const error = brokenPipe();
    if (callback !== undefined) process.nextTick(callback, error);
    this.destroy(error);
    return false;
  }

  _write(chunk: Buffer, _encoding: string, callback: WriteCallback): void {
    const link = this.#link;
    if (link.conn === null && !link.closed) {
      link.whenOpen(() => this._write(chunk, _encoding, callback), callback);
      return;
    }
    link.sendAll([chunk], callback);
  }

  _writev(parts: { chunk: Buffer }[], callback: WriteCallback): void {
    this.#link.sendAll(
      parts.map(({ chunk }) => chunk),
      callback,
    );
  }

  _final(callback: WriteCallback): void {
    const link = this.#link;
    if (link.conn === null && !link.closed) link.whenOpen(() => link.end(callback), callback);
    else link.end(callback);
  }

  _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#timeout?.clear();
    this.#connecting = false;
    this.#dialler?.giveUp();
    this.#link.destroy(this.#ending === 'reset', () => {
      callback(error);
      process.nextTick(ConnSocket.#tellClose, this, error !== null);
      this.#gone?.();
    });
  }

  static #tellClose(socket: ConnSocket, hadError: boolean): void {
    socket.#isGone = true;
    socket.emit('close', hadError);
  }

  /** What is written in one turn leaves together anyway. */
  cork(): void {}
  uncork(): void {}

  /** Bytes in the stream's own queue. */
  get #queuedLength(): number {
    return queuedLength.call(this);
  }

  // -- as of net.Socket: addresses and counts -----------------------------------------------------

  get #remoteSide(): SocketAddress {
    const { conn } = this.#link;
    if (conn === null) return {};
    this.#remote ??= socketAddress(conn.remoteAddr);
    return this.#remote;
  }

  get #localSide(): SocketAddress {
    const { conn } = this.#link;
    if (conn === null) return {};
    this.#local ??= socketAddress(conn.localAddr);
    return this.#local;
  }

  get remoteAddress(): string | undefined {
    return this.#remoteSide.address;
  }
  get remotePort(): number | undefined {
    return this.#remoteSide.port;
  }
  get remoteFamily(): string | undefined {
    return this.#remoteSide.family;
  }
  get localAddress(): string {
    return this.#localSide.address as string;
  }
  get localPort(): number {
    return this.#localSide.port as number;
  }
  get localFamily(): string {
    return this.#localSide.family as string;
  }
  address(): AddressInfo | Record<string, never> {
    return { ...this.#localSide } as AddressInfo | Record<string, never>;
  }

  get bytesRead(): number {
    return this.#link.bytesRead;
  }
  get bytesWritten(): number {
    return this.#link.bytesWritten + this.#queuedLength - this.#link.given;
  }
  get bufferSize(): number {
    return this.writableLength;
  }

  get connecting(): boolean {
    return this.#connecting;
  }
  get pending(): boolean {
    return this.#link.conn === null;
  }
  get readyState(): 'opening' | 'open' | 'readOnly' | 'writeOnly' | 'closed' {
    if (this.#connecting) return 'opening';
    if (this.#link.conn === null || this.#link.closed) return 'closed';
    if (this.readable && this.writable) return 'open';
    if (this.readable) return 'readOnly';
    return this.writable ? 'writeOnly' : 'closed';
  }

  // -- as of net.Socket: what can be set ----------------------------------------------------------

  get timeout(): number {
    return this.#timeout === null ? 0 : this.#timeout.ms;
  }

  setTimeout(ms: number, callback?: Callback): this {
    const checked = checkedTimeout(ms, callback);
    if (callback !== undefined) {
      if (checked > 0) this.once('timeout', callback);
      else this.removeListener('timeout', callback);
    }
    if (checked > 0 && this.#timeout === null && !this.destroyed) {
      this.#timeout = new SocketTimeout(this.#link, () => void this.emit('timeout'));
    }
    this.#timeout?.set(checked);
    return this;
  }

  setNoDelay(noDelay = true): this {
    const { conn, closed } = this.#link;
    this.#noDelay = noDelay;
    if (conn !== null && !closed) conn.setNoDelay(noDelay);
    return this;
  }

  setKeepAlive(options: SetKeepAliveOptions): this;
  setKeepAlive(enable?: boolean, initialDelay?: number, interval?: number, count?: number): this;
  setKeepAlive(...given: unknown[]): this {
    const wanted = keepAliveOf(given);
    const { conn, closed } = this.#link;
    this.#keepAlive = wanted;
    if (conn !== null && !closed) conn.setKeepAlive(...wanted);
    return this;
  }

  /** 0: what the system does by itself. */
  getTypeOfService(): number {
    return 0;
  }

  /** @throws ErrUnsupportedOp for anything but 0. */
  setTypeOfService(tos: number): this {
    if (tos === 0) return this;
    throw new ErrUnsupportedOp(
      `cannot set the type of service to ${tos}: connections of gnet have that of the system; leave it out`,
    );
  }

  /** Does nothing: the server, or the client, keeps the process alive until it is stopped. */
  ref(): this {
    return this;
  }
  /** See `ref`. */
  unref(): this {
    return this;
  }

  // -- as of net.Socket: begin and end ------------------------------------------------------------

  connect(options: SocketConnectOpts, connected?: Callback): this;
  connect(port: number, host: string, connected?: Callback): this;
  connect(port: number, connected?: Callback): this;
  connect(path: string, connected?: Callback): this;
  /**
   * Dials through the client that made the socket; again, if it has closed: its counts begin anew, and its
   * settings and listeners stay. On a connected socket it only emits `'connect'`, because packages call it
   * even then.
   * @throws ErrUnsupportedOp if no client made the socket, or for a target that it cannot dial;
   * `ERR_SOCKET_BAD_PORT`; ErrConnClosed if it was destroyed and has not emitted `'close'` yet. The socket
   * stays as it was then.
   */
  connect(...given: unknown[]): this {
    const last = given.at(-1);
    const connected = typeof last === 'function' ? (last as Callback) : null;
    // As of a net.Socket, `'error'` and `'close'` tell it.
    if (this.#isAborted) return this;
    if (this.#link.conn !== null && !this.destroyed) return this.#connectedAlready(connected);
    const dialler = this.#dialler;
    if (dialler === null) {
      throw new ErrUnsupportedOp(
        'cannot connect: this socket was made without a client; make it by createConnection(client)',
      );
    }
    if (this.destroyed && !this.#isGone) {
      throw new ErrConnClosed(
        "cannot connect: this socket is still closing; connect again when it has emitted 'close'",
      );
    }
    const address = dialler.addressOf(given);
    if (connected !== null) this.once('connect', connected);
    if (this.destroyed) this.#revive(dialler);
    if (!this.#connecting) (this.#dialler as Dialler).dial(address, this.#link);
    this.#connecting = true;
    return this;
  }

  #connectedAlready(connected: Callback | null): this {
    if (connected !== null) this.once('connect', connected);
    process.nextTick(() => this.emit('connect'));
    return this;
  }

  #revive(dialler: Dialler): void {
    (this as unknown as { _undestroy(): void })._undestroy();
    this.#isGone = false;
    this.#dialler = dialler.again();
    this.#link = this.#newLink();
    this.#ending = 'destroy';
    this.#remote = null;
    this.#local = null;
    const ms = this.timeout;
    this.#timeout = null;
    if (ms > 0) this.setTimeout(ms);
  }

  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }

  /** Closes with a reset: pending output is dropped, and the peer does not see a normal end. */
  resetAndDestroy(): this {
    this.#ending = 'reset';
    this.destroy();
    return this;
  }
}
