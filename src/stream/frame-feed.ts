import { type Conn, ErrUnsupportedOp, type EventHandler } from '../index.ts';

interface FeedOptions {
  readonly keepOpen?: boolean;
  readonly signal?: AbortSignal;
}

type Waiting<Frame> = {
  readonly resolve: (result: IteratorResult<Frame>) => void;
  readonly reject: (error: unknown) => void;
};

/**
 * The handler of a connection whose frames are asked for one by one. `react` answers with a promise
 * that settles when the next frame is asked for: until then the frame is lent, and the connection
 * delivers no more and reads no more. Nothing is copied and nothing queues up.
 */
export class FrameFeed<Frame> implements EventHandler<Frame> {
  readonly #c: Conn;
  readonly #options: FeedOptions;
  #waiting: Waiting<Frame> | null = null;
  /** A frame that was not requested yet. */
  #ready: { readonly frame: Frame } | null = null;
  /** Ends the loan of the frame that was given out. */
  #giveBack: (() => void) | null = null;
  /** Until then nothing is delivered: whoever leaves without a frame leaves all of them. */
  #hasAsked = false;
  #state: 'open' | 'ended' | 'left' = 'open';
  #error: unknown;

  constructor(c: Conn, options: FeedOptions) {
    this.#c = c;
    this.#options = options;
    c.pauseRead();
    const { signal } = options;
    if (c.isClosed) this.#finish(undefined);
    if (signal === undefined || c.isClosed) return;
    if (signal.aborted) this.#abort();
    else signal.addEventListener('abort', this.#abort, { once: true });
  }

  readonly #abort = (): void => {
    const { signal } = this.#options;
    this.#finish(signal?.reason);
    this.#c.destroy();
  };

  // -- events of the connection -------------------------------------------------------------------

  react(frame: Frame | null): Promise<void> | undefined {
    if (frame === null || this.#state !== 'open') return undefined;
    const loan = new Promise<void>((resolve) => {
      this.#giveBack = resolve;
    });
    const waiting = this.#waiting;
    this.#waiting = null;
    if (waiting === null) this.#ready = { frame };
    else waiting.resolve({ done: false, value: frame });
    return loan;
  }

  onEnd(): void {
    this.#finish(undefined);
  }

  onClosed(_c: Conn, error?: Error): void {
    this.#finish(error);
  }

  #finish(error: unknown): void {
    if (this.#state !== 'open') return;
    this.#state = 'ended';
    this.#ignoreSignal();
    const waiting = this.#waiting;
    this.#waiting = null;
    if (waiting === null) this.#error = error;
    else if (error === undefined) waiting.resolve({ done: true, value: undefined });
    else waiting.reject(error);
  }

  #ignoreSignal(): void {
    this.#options.signal?.removeEventListener('abort', this.#abort);
  }

  // -- as the loop asks ---------------------------------------------------------------------------

  iterator(): AsyncIterableIterator<Frame> & AsyncDisposable {
    const iterator: AsyncIterableIterator<Frame> & AsyncDisposable = {
      next: () => this.#next(),
      return: async () => {
        this.#leave();
        return { done: true, value: undefined };
      },
      [Symbol.asyncIterator]: () => iterator,
      [Symbol.asyncDispose]: async () => this.#leave(),
    };
    return iterator;
  }

  #next(): Promise<IteratorResult<Frame>> {
    if (this.#waiting !== null) {
      return Promise.reject(
        new ErrUnsupportedOp(
          'cannot ask for two frames at the same time: each is lent until the next is asked for; await it first',
        ),
      );
    }
    const ready = this.#ready;
    if (ready !== null) {
      this.#ready = null;
      return Promise.resolve({ done: false, value: ready.frame });
    }
    this.#endLoan();
    if (!this.#hasAsked) this.#c.resumeRead();
    this.#hasAsked = true;
    if (this.#state === 'open') {
      return new Promise((resolve, reject) => {
        this.#waiting = { resolve, reject };
      });
    }
    const error = this.#error;
    this.#error = undefined;
    if (error !== undefined) return Promise.reject(error);
    return Promise.resolve({ done: true, value: undefined });
  }

  #endLoan(): void {
    this.#giveBack?.();
    this.#giveBack = null;
  }

  #leave(): void {
    if (this.#state === 'left') return;
    const wasOpen = this.#state === 'open';
    this.#state = 'left';
    this.#ready = null;
    this.#ignoreSignal();
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.resolve({ done: true, value: undefined });
    if (wasOpen && this.#options.keepOpen === true) this.#c.pauseRead();
    else this.#c.close();
    this.#endLoan();
  }
}
