import { type Conn, ErrInvalidOption, type EventHandler } from '../index.ts';

/** One received datagram; `c.sendTo` answers its sender at any time. */
export interface Datagram {
  /** A copy: you may keep it. */
  readonly data: Buffer;
  readonly c: Conn;
}

export interface DatagramsOptions {
  /**
   * The most datagrams that wait until you ask for them; further ones are dropped. Default 1,024.
   */
  readonly highWaterMark?: number;
  /** Ends the iteration with the reason of the signal when it aborts. */
  readonly signal?: AbortSignal;
}

/** Datagrams one by one, and the handler that receives them. */
export interface Datagrams extends AsyncIterableIterator<Datagram>, AsyncDisposable {
  /** The handler for `serve`; with several loops it gets only the datagrams of its own loop. */
  readonly handler: EventHandler;
  /** How many were dropped because too many waited. */
  readonly dropped: number;
}

const waitingMax = 1_024;

/**
 * Datagrams of a server as an async iterable:
 *
 *     const received = datagrams();
 *     await serve(received.handler, 'udp://:5353');
 *     for await (const { data, c } of received) c.sendTo(reply(data));
 *
 * The iteration ends with the server.
 * @throws ErrInvalidOption
 */
export function datagrams(options: DatagramsOptions = {}): Datagrams {
  return new DatagramFeed(options);
}

interface Waiting {
  readonly resolve: (result: IteratorResult<Datagram>) => void;
  readonly reject: (error: unknown) => void;
}

class DatagramFeed implements Datagrams {
  readonly handler: EventHandler;
  dropped = 0;
  readonly #max: number;
  #queue: Datagram[] = [];
  /** The first datagram that was not requested yet. */
  #first = 0;
  #waiting: Waiting[] = [];
  #isOver = false;
  #error: unknown;
  readonly #signal: AbortSignal | undefined;

  constructor({ highWaterMark = waitingMax, signal }: DatagramsOptions) {
    if (!Number.isSafeInteger(highWaterMark) || highWaterMark < 1) {
      throw new ErrInvalidOption(
        `cannot let ${highWaterMark} datagrams wait: give highWaterMark a whole number from 1 on`,
      );
    }
    this.#max = highWaterMark;
    this.handler = {
      react: (frame, c) => this.#received(frame, c),
      onShutdown: () => this.#finish(undefined),
    };
    this.#signal = signal;
    if (signal?.aborted) this.#finish(signal.reason);
    else signal?.addEventListener('abort', this.#abort, { once: true });
  }

  readonly #abort = (): void => this.#finish(this.#signal?.reason);

  #received(frame: Buffer | null, c: Conn): void {
    if (frame === null || this.#isOver) return;
    const waiting = this.#waiting.shift();
    if (waiting === undefined && this.#queue.length - this.#first >= this.#max) {
      this.dropped++;
      return;
    }
    const datagram = { data: Buffer.from(frame), c };
    if (waiting === undefined) this.#queue.push(datagram);
    else waiting.resolve({ done: false, value: datagram });
  }

  #finish(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#signal?.removeEventListener('abort', this.#abort);
    if (this.#waiting.length === 0) this.#error = error;
    for (const { resolve, reject } of this.#waiting) {
      if (error === undefined) resolve({ done: true, value: undefined });
      else reject(error);
    }
    this.#waiting = [];
  }

  next(): Promise<IteratorResult<Datagram>> {
    const value = this.#queue[this.#first];
    if (value !== undefined) {
      this.#first++;
      // Of those that were given out none stays, also while there is always one that waits.
      if (this.#first * 2 >= this.#queue.length) {
        this.#queue.splice(0, this.#first);
        this.#first = 0;
      }
      return Promise.resolve({ done: false, value });
    }
    const error = this.#error;
    this.#error = undefined;
    if (error !== undefined) return Promise.reject(error);
    if (this.#isOver) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  async return(): Promise<IteratorResult<Datagram>> {
    this.#queue = [];
    this.#first = 0;
    this.#finish(undefined);
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}
