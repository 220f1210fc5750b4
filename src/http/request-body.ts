import { chunkGarbage } from '../host/chunk-garbage.ts';

/** Blocks that small pieces are gathered in; bytes. */
const SMALL_BLOCK = 4 * 1024;
const EMPTY = Buffer.alloc(0);

interface PromiseParts {
  readonly promise: Promise<string>;
  readonly resolve: (trailers: string) => void;
  readonly reject: (error: unknown) => void;
}

function promiseParts(): PromiseParts {
  let resolve!: PromiseParts['resolve'];
  let reject!: PromiseParts['reject'];
  const promise = new Promise<string>((...both) => {
    [resolve, reject] = both;
  });
  return { promise, resolve, reject };
}

/** What a body asks of the connection it comes from. */
export interface BodySource {
  /** More is held than the handler takes, or no longer so. */
  bodyPressureChanged(): void;
  /** The handler waits for the body: sends `100 Continue` to a client that waits for it. */
  bodyWanted(): void;
}

/**
 * The body of one request: what has arrived and was not read yet, and who waits for more.
 *
 * One that came with its head is lent: it stands in the memory it was received in until `keep`.
 */
export class RequestBody {
  readonly #source: BodySource;
  readonly #highWaterMark: number;
  /** Announced bytes that have not arrived yet; -1 if their number is unknown. */
  #expected: number;
  #blocks: Buffer[] = [];
  #tail: Buffer | null = null;
  #tailLength = 0;
  /** Bytes that wait to be read. */
  #held = 0;
  #lent: Buffer | null = null;
  #lentStart = 0;
  #lentEnd = 0;
  #error: unknown = null;
  #trailers = '';
  #completed: PromiseParts | null = null;
  #waiter: (() => void) | null = null;
  /** Everything has arrived, or nothing more will. */
  isComplete = false;
  /** The handler has begun to read it. */
  isUsed = false;
  /** The body will not be read: arriving bytes are discarded. */
  isDropped = false;

  constructor(source: BodySource, expected: number, highWaterMark: number) {
    this.#source = source;
    this.#expected = expected;
    this.#highWaterMark = highWaterMark;
  }

  /** More is held than a reader that is this slow needs. */
  get isFull(): boolean {
    return this.#held >= this.#highWaterMark;
  }

  // -- from the connection --------------------------------------------------------------------------

  /** The whole body, lent. */
  lend(bytes: Buffer, start: number, end: number): void {
    this.#lent = bytes;
    this.#lentStart = start;
    this.#lentEnd = end;
    this.isComplete = true;
  }

  /** What was lent is about to be used for something else. */
  keep(): void {
    const lent = this.#lent;
    if (lent === null) return;
    this.#lent = null;
    const kept = Buffer.allocUnsafeSlow(this.#lentEnd - this.#lentStart);
    lent.copy(kept, 0, this.#lentStart, this.#lentEnd);
    this.#blocks.push(kept);
    this.#held = kept.length;
  }

  push(bytes: Buffer, start: number, end: number): void {
    if (this.isDropped) return;
    const length = end - start;
    if (this.#expected > 0) this.#expected -= length;
    let tail = this.#tail;
    if (tail === null || tail.length - this.#tailLength < length) {
      this.#closeTail();
      tail = Buffer.allocUnsafeSlow(this.#blockFor(length));
      chunkGarbage.made(tail.length);
      this.#tail = tail;
      this.#tailLength = 0;
    }
    bytes.copy(tail, this.#tailLength, start, end);
    this.#tailLength += length;
    this.#held += length;
    this.#wake();
  }

  /** Small pieces share a block, and no block is larger than what can still come. */
  #blockFor(length: number): number {
    if (this.#expected >= 0)
      return Math.max(length, Math.min(length + this.#expected, SMALL_BLOCK));
    return Math.max(length, SMALL_BLOCK);
  }

  #closeTail(): void {
    const tail = this.#tail;
    if (tail === null) return;
    this.#blocks.push(this.#tailLength === tail.length ? tail : tail.subarray(0, this.#tailLength));
    this.#tail = null;
  }

  /** @param trailers lines behind a body in chunks, with their line ends. */
  end(trailers: string): void {
    this.isComplete = true;
    this.#trailers = trailers;
    this.#wake();
    this.#completed?.resolve(trailers);
  }

  /** The rest will not come. Who reads it hears of the error, behind what has arrived. */
  fail(error: unknown): void {
    if (this.isComplete) return;
    this.#error = error;
    this.isComplete = true;
    this.#wake();
    this.#completed?.reject(error);
  }

  /** Resolves with the trailers when everything has arrived. @throws what the body failed with. */
  completion(): Promise<string> {
    if (this.#error !== null) return Promise.reject(this.#error);
    if (this.isComplete) return Promise.resolve(this.#trailers);
    if (this.#completed === null) {
      this.#completed = promiseParts();
      // A waiting reader gets the error; without one it is no unhandled rejection.
      this.#completed.promise.catch(() => {});
    }
    return this.#completed.promise;
  }

  /** The body is not read any more. */
  drop(): void {
    this.isDropped = true;
    this.#lent = null;
    this.#blocks = [];
    this.#tail = null;
    this.#held = 0;
    this.#source.bodyPressureChanged();
  }

  #wake(): void {
    const waiter = this.#waiter;
    this.#waiter = null;
    waiter?.();
  }

  // -- for the handler ------------------------------------------------------------------------------

  /** The whole of it as text, when it is there already. Counts as reading it. */
  textNow(): string | null {
    const lent = this.#lent;
    if (lent === null) return null;
    this.isUsed = true;
    this.#lent = null;
    return lent.toString('utf8', this.#lentStart, this.#lentEnd);
  }

  /** The whole of it, in memory of its own, when it is there already. Counts as reading it. */
  bytesNow(): Uint8Array<ArrayBuffer> | null {
    const lent = this.#lent;
    if (lent === null) return null;
    this.isUsed = true;
    this.#lent = null;
    const bytes = new Uint8Array(this.#lentEnd - this.#lentStart);
    bytes.set(lent.subarray(this.#lentStart, this.#lentEnd));
    return bytes;
  }

  /** Waits for the whole of it. @throws what it failed with. */
  async collect(): Promise<Buffer> {
    this.isUsed = true;
    this.keep();
    const parts: Buffer[] = [];
    for (;;) {
      const part = await this.next();
      if (part === null) break;
      parts.push(part);
    }
    const [first = EMPTY] = parts;
    return parts.length > 1 ? Buffer.concat(parts) : first;
  }

  /** The next piece in memory of its own, null at the end. @throws what the body failed with. */
  async next(): Promise<Buffer | null> {
    for (;;) {
      if (this.isDropped) throw new TypeError('Body is unusable: its request has been answered');
      const block = this.#take();
      if (block !== null) return block;
      if (this.#error !== null) throw this.#error;
      if (this.isComplete) return null;
      this.#source.bodyWanted();
      await new Promise<void>((resolve) => {
        this.#waiter = resolve;
      });
    }
  }

  #take(): Buffer | null {
    if (this.#blocks.length === 0) this.#closeTail();
    const block = this.#blocks.shift();
    if (block === undefined) return null;
    const wasFull = this.isFull;
    this.#held -= block.length;
    if (wasFull && !this.isFull) this.#source.bodyPressureChanged();
    return block;
  }

  stream(): ReadableStream<Uint8Array> {
    this.isUsed = true;
    this.keep();
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          const part = await this.next();
          if (part === null) controller.close();
          else controller.enqueue(new Uint8Array(part.buffer, part.byteOffset, part.length));
        },
        cancel: () => this.drop(),
      },
      { highWaterMark: 0 },
    );
  }
}
