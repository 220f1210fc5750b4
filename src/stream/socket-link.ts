import type { Duplex } from 'node:stream';
import { flushed } from '../base/flushed.ts';
import type { Bytes, Conn, EventHandler } from '../index.ts';
import { chunkGarbage } from '../host/chunk-garbage.ts';
import { HttpFeed } from './http-feed.ts';
import type { Traffic } from './socket-timeout.ts';

/** The server stops: the connection closes now, or when the promise settles. */
export type Goodbye = () => Promise<void> | undefined;

export type WriteCallback = (error?: Error | null) => void;

/** Of a `Readable`. */
interface ReadState {
  dataEmitted: boolean;
}

const nothing = Buffer.alloc(0);
const noParts: Uint8Array[] = [];
/**
 * What the kernel leaves of a write is copied. A longer one stays in the program's memory, and the kernel
 * takes it from there; bytes, or characters.
 */
export const shortBytesMax = 262_144;

/**
 * The handler of one connection that feeds a stream, and the stream's way to the connection. It goes
 * round the queues of `node:stream` wherever nobody can tell: bytes that arrive are a `'data'` event at
 * once while the stream flows with nothing buffered; what is written goes to the connection, whose own
 * queue it is that fills. Only above the high mark, or before the connection stands, the stream's queue
 * is used.
 */
export class SocketLink implements EventHandler<Buffer>, Traffic {
  readonly #stream: Duplex;
  readonly #mark: number;
  readonly #opened: (c: Conn) => void;
  readonly #goodbye: Goodbye | undefined;
  /** Null until the connection is open. */
  conn: Conn | null = null;
  /** `onClosed` has been called, or there will never be a connection. */
  closed = false;
  bytesRead = 0;
  bytesWritten = 0;
  /** There was traffic since `moved` was asked. */
  active = false;
  /** Bytes that waited for the kernel when it was. */
  #waiting = 0;
  /** Above the high mark: `onDrain` follows. */
  full = false;
  /** A write has returned false, and a `'drain'` is due. */
  #owesDrain = false;
  /** Writes whose callbacks wait until the kernel has the bytes. */
  #unsent = 0;
  /** Our side has ended: the stream is told when everything before is in the kernel. */
  #ends = false;
  #lastSent: Promise<void> | null = null;
  #ended = false;
  /** The stream knows that some of it has been read. */
  #didRead = false;
  readonly #http = new HttpFeed();
  /** Write of the stream's queue that waits for room, or for the connection. */
  #held: WriteCallback | null = null;
  #whenGiven: (() => void) | null = null;
  /** Parts of that write that wait; of the first one, everything from `#restStart` on. */
  #rest = noParts;
  #restStart = 0;
  /** Bytes that the stream's queue counts although the connection has them. */
  given = 0;
  /** What waits for the connection. */
  #whenOpen: (() => void) | null = null;
  /** Called instead, when there will be none. */
  #neverOpen: WriteCallback | null = null;
  #whenClosed: (() => void) | null = null;

  /** @param mark above so many bytes in the connection, `onDrain` tells of room */
  constructor(
    stream: Duplex,
    mark: number,
    opened: (c: Conn) => void,
    goodbye: Goodbye | undefined,
  ) {
    this.#stream = stream;
    this.#mark = mark;
    this.#opened = opened;
    this.#goodbye = goodbye;
  }

  // -- events of the connection -------------------------------------------------------------------

  onOpened(c: Conn): void {
    this.use(c);
    this.#opened(c);
    const waiting = this.#whenOpen;
    this.#whenOpen = null;
    this.#neverOpen = null;
    waiting?.();
  }

  react(frame: Buffer | null, c: Conn): void {
    const stream = this.#stream;
    if (frame === null || stream.destroyed) return;
    this.bytesRead += frame.length;
    this.active = true;
    const flows = stream.readableFlowing === true && stream.readableLength === 0;
    const isHeard = flows && stream.readableEncoding === null && stream.listenerCount('data') > 0;
    if (isHeard && !this.#didRead) this.#reads(stream);
    if (isHeard && this.#http.deliver(stream, frame)) {
      chunkGarbage.made(frame.length);
      return;
    }
    this.#http.missed(frame.length);
    // The frame is lent until this returns, and a listener may keep it, so it must be copied.
    const chunk = Buffer.from(frame);
    if (isHeard) stream.emit('data', chunk);
    else if (!stream.push(chunk)) c.pauseRead();
    chunkGarbage.made(chunk.length);
  }

  /** The program gives bytes back to the stream. */
  unshifted(): void {
    this.#http.returned();
  }

  /** What `readableDidRead` says from now on. */
  #reads(stream: Duplex): void {
    this.#didRead = true;
    (stream as unknown as { _readableState: ReadState })._readableState.dataEmitted = true;
  }

  onEnd(): void {
    this.#ended = true;
    this.#stream.push(null);
    // If the reader has nothing to read, nothing else would notice the end.
    if (this.#stream.readableLength === 0) this.#stream.read(0);
  }

  onDrain(): void {
    this.full = false;
    this.#sendRest();
    // What follows when it is closed is for `onClosed`.
    if (this.full || this.closed) return;
    // The stream's own queue will tell it.
    const told = this.#stream.writableNeedDrain;
    this.#answerHeld(null);
    if (this.full) return;
    const due = this.#owesDrain && !told;
    this.#owesDrain = false;
    // As of any stream: nobody is to write on behind the end.
    if (due && this.#stream.writable) this.#stream.emit('drain');
  }

  signalClose(): Promise<void> | undefined {
    const goodbye = this.#goodbye?.();
    if (this.#rest.length === 0) return goodbye;
    // The connection does not know of what is held: the end must not come before that.
    return Promise.all([goodbye, this.#restGiven()]).then(() => {});
  }

  #restGiven(): Promise<void> {
    return new Promise((resolve) => {
      this.#whenGiven = resolve;
    });
  }

  onClosed(_c: Conn, error?: Error): void {
    this.closed = true;
    const closing = this.#whenClosed;
    this.#whenClosed = null;
    if (closing !== null) closing();
    else this.#broken(error);
    this.#answerHeld(error ?? brokenPipe());
  }

  #broken(error: Error | undefined): void {
    const stream = this.#stream;
    // A stop that is forced is the program's own doing, and so is what its listeners throw.
    const isOwn = isForced(error) || (isThrown(error) && stream.listenerCount('error') === 0);
    if (error !== undefined && !isOwn) stream.destroy(error);
    else if (this.#ends && !stream.writableFinished) stream.once('finish', () => this.#over());
    else this.#over();
  }

  /** What was received is still to be read. */
  #over(): void {
    const stream = this.#stream;
    if (!this.#ended || stream.readableEnded) stream.destroy();
    else stream.once('end', () => stream.destroy());
  }

  moved(): boolean {
    const waiting = this.closed || this.conn === null ? 0 : this.conn.outboundBuffered();
    // A slow reader takes what was written long ago.
    const moved = this.active || waiting < this.#waiting;
    this.active = false;
    this.#waiting = waiting;
    return moved;
  }

  /** On the wheel of the connection's loop; while there is none, a timer of the runtime. */
  arm(ms: number, fn: () => void): () => void {
    if (this.conn !== null && !this.closed) return this.conn.setTimer(ms, fn);
    const timer = setTimeout(fn, ms).unref();
    return () => clearTimeout(timer);
  }

  // -- as the stream asks for it ------------------------------------------------------------------

  use(c: Conn): void {
    this.conn = c;
  }

  /** There will be no connection. */
  giveUp(error: Error): void {
    this.#endUnopened(error);
    this.#stream.destroy(error);
  }

  #endUnopened(error: Error): void {
    this.closed = true;
    this.#whenOpen = null;
    const failed = this.#neverOpen;
    this.#neverOpen = null;
    failed?.(error);
  }

  /** Runs it as soon as there is a connection; `failed` is called when there will be none. */
  whenOpen(then: () => void, failed: WriteCallback): void {
    this.#whenOpen = then;
    this.#neverOpen = failed;
  }

  read(): void {
    this.conn?.resumeRead();
  }

  /** False: wait for `onDrain`. */
  send(data: Bytes): boolean {
    this.active = true;
    const conn = this.conn as Conn;
    let goesOn: boolean;
    if (typeof data === 'string') {
      // A text is always queued: what that adds need not be measured before.
      const before = conn.outboundBuffered();
      goesOn = conn.writeNoCodec(data);
      this.bytesWritten += Math.max(0, conn.outboundBuffered() - before);
    } else {
      goesOn = conn.writeNoCodec(data);
      this.bytesWritten += data.length;
    }
    if (!goesOn) this.full = true;
    return goesOn;
  }

  /**
   * For the stream's queue, which keeps the parts as they are until the callback: that comes when the
   * connection has all of them, and room for more.
   */
  sendAll(parts: Uint8Array[], callback: WriteCallback): void {
    this.#rest = parts;
    if (!this.closed) this.#sendRest();
    this.#held = callback;
    if (this.closed) this.#answerHeld(brokenPipe());
    else if (!this.full) this.#answerHeld(null);
  }

  #answerHeld(error: Error | null): void {
    const held = this.#held;
    this.#held = null;
    this.#rest = noParts;
    this.#restStart = 0;
    this.given = 0;
    this.#whenGiven?.();
    this.#whenGiven = null;
    held?.(error);
  }

  /** What is short is given to the connection at once, what is large as the kernel takes it. */
  #sendRest(): void {
    while (!this.closed) {
      const [part] = this.#rest;
      if (part === undefined) return;
      if (part.length <= shortBytesMax) this.#give(part, part.length);
      else if (this.full) return;
      else this.#sendLarge(part);
    }
  }

  #sendLarge(part: Uint8Array): void {
    const conn = this.conn as Conn;
    const waiting = conn.outboundBuffered();
    if (waiting === 0) {
      const taken = conn.tryWrite(part.subarray(this.#restStart));
      this.active = true;
      this.bytesWritten += taken;
      this.given += taken;
      this.#restStart += taken;
    }
    // As many as it takes to be told of room: these are copied.
    // One at least: more than that may wait already, of what did not come through the stream.
    const lacking = Math.max(1, this.#mark + 1 - conn.outboundBuffered());
    const count = Math.min(part.length - this.#restStart, lacking);
    this.#give(part, count);
  }

  /** The next `count` bytes of the first part. */
  #give(part: Uint8Array, count: number): void {
    const start = this.#restStart;
    const end = start + count;
    this.given += count;
    this.#restStart = end;
    if (end === part.length) {
      this.#rest.shift();
      this.#restStart = 0;
    }
    if (count > 0) this.send(part.subarray(start, end));
  }

  oweDrain(): void {
    this.#owesDrain = true;
  }

  /** Calls back when what was written so far is in the kernel. */
  callBack(callback: WriteCallback): void {
    process.nextTick(callBackWhenSent, this, callback);
  }

  /** The callbacks of the stream come in the order of its writes. */
  whenSent(callback: WriteCallback): void {
    const { conn } = this;
    if (conn !== null && !this.closed) {
      conn.flush();
      // One that has closed with nothing left takes no question any more.
      if (this.#unsent === 0 && conn.isClosed && conn.outboundBuffered() === 0) {
        callback(null);
        return;
      }
    }
    const sent = this.#sent();
    if (sent === flushed && this.#unsent === 0) {
      callback(null);
      return;
    }
    const told = (error: Error | null): void => {
      // What it throws is no promise that rejects.
      process.nextTick(() => {
        this.#unsent--;
        callback(error);
      });
    };
    this.#unsent++;
    sent.then(() => told(null), told);
  }

  #sent(): Promise<void> {
    const { conn } = this;
    if (conn === null || this.closed) return Promise.reject(brokenPipe());
    return this.#lastSent ?? conn.flushWrite(nothing, true);
  }

  /** Ends our side behind everything written. */
  end(callback: WriteCallback): void {
    const { conn } = this;
    if (conn === null || this.closed) {
      callback(null);
      return;
    }
    this.#ends = true;
    // Nothing buffered does not mean that the kernel has it all: a driver may be asking it.
    const sent = conn.flushWrite(nothing, true);
    this.#lastSent = sent;
    conn.end();
    // Never at once: a write behind the end is an error first.
    const done = (): void => void process.nextTick(callback, null);
    sent.then(done, done);
  }

  /** Ends the connection; what it is told by `then` is that it is gone. */
  destroy(reset: boolean, then: () => void): void {
    const { conn } = this;
    if (this.closed || conn === null) {
      this.#endUnopened(brokenPipe());
      then();
      return;
    }
    this.#whenClosed = then;
    if (reset) conn.reset();
    else conn.destroy();
  }
}

function callBackWhenSent(link: SocketLink, callback: WriteCallback): void {
  link.whenSent(callback);
}

function isForced(error: Error | undefined): boolean {
  return (error as { code?: unknown } | undefined)?.code === 'ErrServerInShutdown';
}

/** By a listener of the stream: the log has it. */
function isThrown(error: Error | undefined): boolean {
  return (error as { code?: unknown } | undefined)?.code === 'ErrHandler';
}

/** As of a write to a socket whose peer is gone. */
export function brokenPipe(): Error {
  return Object.assign(new Error('cannot write: the connection is closed'), { code: 'EPIPE' });
}
