import { ErrUnsupportedOp } from '../base/errors.ts';
import { type TransferredError, packError } from './error-transfer.ts';
import type { MainServer } from './main-servers.ts';
import type { ServerViewData } from './messages.ts';

/** What became of a call of `serve` in the main thread. */
export type CallOutcome =
  /** Its loops are being started: threads may join. */
  | { readonly kind: 'threaded'; readonly server: MainServer; readonly loops: number }
  /** It has no loop in threads that run the program again. */
  | { readonly kind: 'elsewhere'; readonly server: MainServer }
  /** The server is down: a thread that starts late still makes this call, and sees it so. */
  | { readonly kind: 'over'; readonly view: ServerViewData }
  | { readonly kind: 'failed'; readonly error: TransferredError };

/**
 * The calls of `serve`, in the order in which the program makes them. A thread that runs the program
 * again makes the same calls in the same order: the n-th there belongs to the n-th here.
 */
export class ServeCall {
  readonly index: number;
  readonly texts: readonly string[];
  #outcome: Promise<CallOutcome>;
  #settle: ((outcome: CallOutcome) => void) | null = null;

  constructor(index: number, texts: readonly string[]) {
    this.index = index;
    this.texts = texts;
    this.#outcome = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  get outcome(): Promise<CallOutcome> {
    return this.#outcome;
  }

  /** The first outcome counts. */
  settle(outcome: Extract<CallOutcome, { readonly server: MainServer }>): void {
    if (!this.#settleOnce(outcome)) return;
    const { server } = outcome;
    // Calls are kept for as long as the program runs; what a server held must not be.
    const forget = (): void => {
      this.#outcome = Promise.resolve({ kind: 'over', view: server.view() });
    };
    void server.over.then(forget);
  }

  fail(error: unknown): void {
    this.#settleOnce({ kind: 'failed', error: packError(error) });
  }

  #settleOnce(outcome: CallOutcome): boolean {
    const settle = this.#settle;
    if (settle === null) return false;
    // Up to Node 24 the function keeps its promise, which keeps the server.
    this.#settle = null;
    settle(outcome);
    return true;
  }

  /** @throws ErrUnsupportedOp when a thread made another call than the main thread. */
  mustMatch(texts: readonly string[]): void {
    if (texts.length === this.texts.length && texts.every((text, at) => text === this.texts[at])) {
      return;
    }
    throw new ErrUnsupportedOp(
      `cannot join: call ${this.index + 1} of serve is for ${texts.join(', ')} in this thread and ` +
        `for ${this.texts.join(', ')} in the main thread; make the same calls in the same order in ` +
        'every thread, or give serve the URL of a handler module',
    );
  }
}

const calls: ServeCall[] = [];
const awaited = new Map<number, ((call: ServeCall) => void)[]>();

/** The main thread makes its next call. */
export function recordServeCall(texts: readonly string[]): ServeCall {
  const call = new ServeCall(calls.length, texts);
  calls.push(call);
  for (const resolve of awaited.get(call.index) ?? []) resolve(call);
  awaited.delete(call.index);
  return call;
}

/** The main thread's call with that number, which it may not have made yet. */
export function serveCall(index: number): Promise<ServeCall> {
  const known = calls[index];
  if (known !== undefined) return Promise.resolve(known);
  return new Promise((resolve) => {
    awaited.set(index, [...(awaited.get(index) ?? []), resolve]);
  });
}
