import type {
  ReadableByteStreamController,
  UnderlyingByteSource,
  UnderlyingSink,
  WritableStreamDefaultController,
} from 'node:stream/web';
import { BuiltInFrameCodec, type Conn, type EventHandler } from '../index.ts';
import { chunkGarbage } from '../host/chunk-garbage.ts';
import { brokenPipe, shortBytesMax } from './socket-link.ts';

type OwnBytes = Uint8Array<ArrayBuffer>;

const nothing = Buffer.alloc(0);
const markDefault = 65_536;
const rawBytes = new BuiltInFrameCodec();

interface LinkOptions {
  readonly highWaterMark?: number;
  readonly signal?: AbortSignal;
}

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** The handler of one connection that feeds a pair of web streams, and what they ask of it. */
export class WebLink implements EventHandler<Buffer> {
  readonly readable: ReadableStream<OwnBytes>;
  readonly writable: WritableStream<Uint8Array | string>;
  readonly closed: Promise<void>;
  readonly #c: Conn;
  readonly #mark: number;
  readonly #signal: AbortSignal | undefined;
  #settleClosed!: Waiting;
  #reader!: ReadableByteStreamController;
  #writer!: WritableStreamDefaultController;
  /** Nothing can be added to what is read any more. */
  #readOver = false;
  #writeOver = false;
  /** The write that waits for room. */
  #held: Waiting | null = null;
  /** The end of the last large write; it does not reject. */
  #large: Promise<void> | undefined;

  constructor(c: Conn, options: LinkOptions) {
    const { highWaterMark = markDefault, signal } = options;
    this.#c = c;
    this.#mark = highWaterMark;
    this.#signal = signal;
    this.closed = new Promise((resolve, reject) => {
      this.#settleClosed = { resolve, reject };
    });
    // A program that ignores `closed` still gets the error from the streams.
    this.closed.catch(() => {});
    this.readable = new ReadableStream(this.#source(), { highWaterMark });
    this.writable = new WritableStream(this.#sink());
    c.setHandler(this);
    c.setCodec(rawBytes);
    c.setFlow({
      allowHalfOpen: true,
      overflow: 'none',
      highWaterMark,
      lowWaterMark: highWaterMark >> 2,
    });
    if (c.isClosed) this.onClosed(c);
    else if (signal?.aborted) this.#abort();
    else signal?.addEventListener('abort', this.#abort, { once: true });
  }

  // -- events of the connection -------------------------------------------------------------------

  react(frame: Buffer | null, c: Conn): void {
    if (frame === null || this.#readOver) return;
    const rest = this.#fillRequest(frame);
    // It is transferred: memory of its own.
    if (rest.length > 0) {
      this.#reader.enqueue(new Uint8Array(rest));
      chunkGarbage.made(rest.length);
    }
    if ((this.#reader.desiredSize ?? 0) <= 0) c.pauseRead();
  }

  /** Into the buffer that a reader has brought; what does not fit is returned. */
  #fillRequest(frame: Buffer): Buffer {
    const request = this.#reader.byobRequest;
    const view = request?.view;
    if (!request || !view) return frame;
    const count = Math.min(view.byteLength, frame.length);
    new Uint8Array(view.buffer, view.byteOffset, count).set(frame.subarray(0, count));
    request.respond(count);
    return frame.subarray(count);
  }

  onEnd(): void {
    if (this.#readOver) return;
    this.#readOver = true;
    try {
      this.#reader.close();
    } catch {
      // A reader waits for the rest of an element wider than a byte: the stream has told it, and only it.
      return;
    }
    // A reader that waits with a buffer of its own is answered with nothing in it.
    this.#reader.byobRequest?.respond(0);
  }

  onDrain(): void {
    const held = this.#held;
    this.#held = null;
    held?.resolve();
  }

  /** The connection does not know of what a large write has not given it yet. */
  signalClose(): Promise<void> | undefined {
    return this.#large;
  }

  onClosed(_c: Conn, error?: Error): void {
    this.#signal?.removeEventListener('abort', this.#abort);
    this.#end(error ?? brokenPipe(), error);
    if (error === undefined) this.#settleClosed.resolve();
    else this.#settleClosed.reject(error);
  }

  /** Of what has not ended in order. */
  #end(forWriter: unknown, forReader: unknown): void {
    const held = this.#held;
    this.#held = null;
    held?.reject(forWriter);
    if (!this.#writeOver) {
      this.#writeOver = true;
      this.#writer.error(forWriter);
    }
    if (this.#readOver) return;
    if (forReader === undefined) this.onEnd();
    else {
      this.#readOver = true;
      this.#reader.error(forReader);
    }
  }

  readonly #abort = (): void => {
    const reason: unknown = this.#signal?.reason;
    this.#end(reason, reason);
    this.#c.destroy();
  };

  // -- as the streams ask for it ------------------------------------------------------------------

  #source(): UnderlyingByteSource {
    return {
      type: 'bytes',
      start: (controller) => {
        this.#reader = controller;
      },
      pull: () => this.#c.resumeRead(),
      cancel: () => {
        this.#readOver = true;
        this.#c.destroy();
      },
    };
  }

  #sink(): UnderlyingSink<Uint8Array | string> {
    return {
      start: (controller) => {
        this.#writer = controller;
        // `abort` comes behind the write, or the close, that is under way: its peer may never read.
        controller.signal.addEventListener('abort', () => {
          this.#cutOff(controller.signal.reason);
        });
      },
      write: (chunk) => this.#write(chunk),
      close: async () => {
        this.#writeOver = true;
        const sent = this.#c.flushWrite(nothing, true);
        this.#c.end();
        await sent;
      },
      abort: (reason: unknown) => this.#cutOff(reason),
    };
  }

  /** Nothing more is sent, and what was read so far is not everything. */
  #cutOff(reason: unknown): void {
    this.#writeOver = true;
    this.#end(reason, reason ?? brokenPipe());
    this.#c.reset();
  }

  #write(chunk: Uint8Array | string): Promise<void> | undefined {
    if (typeof chunk === 'string' || !(chunk.length > shortBytesMax)) return this.#give(chunk);
    const writing = this.#writeLarge(chunk);
    this.#large = writing.catch(() => {});
    return writing;
  }

  /** From where it is, as the kernel takes it. */
  async #writeLarge(bytes: Uint8Array): Promise<void> {
    let at = this.#c.tryWrite(bytes);
    while (at < bytes.length) {
      // As many as it takes to be told of room: these are copied.
      const end = Math.min(bytes.length, at + this.#mark + 1);
      await this.#give(bytes.subarray(at, end));
      if (this.#writeOver) throw brokenPipe();
      at = end + this.#c.tryWrite(bytes.subarray(end));
    }
  }

  #give(chunk: Uint8Array | string): Promise<void> | undefined {
    let goesOn: boolean;
    try {
      goesOn = this.#c.writeNoCodec(chunk);
    } catch (error) {
      // What is no bytes, or too many: the stream is broken by it, and so is what the peer would get.
      this.#cutOff(error);
      throw error;
    }
    if (goesOn) return undefined;
    return new Promise((resolve, reject) => {
      this.#held = { resolve, reject };
    });
  }
}
