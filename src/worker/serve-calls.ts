import { ErrUnsupportedOp } from '../base/errors.ts';
import { type TransferredError, packError } from './error-transfer.ts';
import type { MainServer } from './main-servers.ts';

/** What became of a call of `serve` in the main thread. */
export type CallOutcome =
  /** Its loops are being started: threads may join. */
  | { readonly kind: 'hosted'; readonly server: MainServer; readonly loops: number }
  /** It has no loop in threads that run the program again. */
  | { readonly kind: 'elsewhere'; readonly server: MainServer }
  | { readonly kind: 'failed'; readonly error: TransferredError };

/**
 * The calls of `serve`, in the order in which the program makes them. A thread that runs the program
 * again makes the same calls in the same order: the n-th there belongs to the n-th here.
 */
export class ServeCall {
  readonly index: number;
  readonly texts: readonly string[];
  readonly outcome: Promise<CallOutcome>;
  #settle!: (outcome: CallOutcome) => void;

  constructor(index: number, texts: readonly string[]) {
    this.index = index;
    this.texts = texts;
    this.outcome = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  /** The first outcome counts. */
  settle(outcome: CallOutcome): void {
    this.#settle(outcome);
  }

  fail(error: unknown): void {
    this.#settle({ kind: 'failed', error: packError(error) });
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
