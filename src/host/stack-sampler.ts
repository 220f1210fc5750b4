/**
 * The stack of a call that blocks this thread, taken while it does: a helper thread sees that the call
 * is late, and asks this thread through the runtime's inspector to look at its own stack. The inspector
 * interrupts JavaScript for that, also a loop that never ends.
 */
import { threadId, Worker } from 'node:worker_threads';

/** A call is looked at when this much of its limit has passed, so that no slow one is missed. */
const shareOfLimit = 0.75;
/** The helper looks that often in the time of a limit. */
const looksPerLimit = 8;
const lookMsMin = 2;
const lookMsMax = 1_000;
/** A handler that is always slow is not interrupted at each call. */
const pauseMs = 200;
/** Frames of a stack; what is below them is not there. */
export const framesMax = 100;

/** Numbers that the two threads share: when the call is late on the wall clock (0: no call); the pause. */
const dueAt = 0;
const lookMs = 1;

/** As text: it imports nothing of this package, which may be in a bundle. */
const helperSource = `
const { parentPort, workerData } = require('node:worker_threads');
const { Session } = require('node:inspector');
const { shared, key, thread } = workerData;
const numbers = new Float64Array(shared);
const session = new Session();
let ask = null;
const refuse = (error) => {
  ask = null;
  parentPort.postMessage(error.message ?? String(error));
};
const look = {
  method: 'Runtime.evaluate',
  params: { expression: 'globalThis[Symbol.for(' + JSON.stringify(key) + ')]?.()', silent: true },
};
try {
  session.connectToMainThread();
  if (thread === 0) {
    ask = () => session.post(look.method, look.params, () => {});
    // A runtime may have the functions, and nothing behind them.
    const expression = '1 + 1';
    session.post(look.method, { expression }, (error, answer) => {
      if (answer?.result?.value !== 2) refuse(error ?? new Error('the inspector gives no answer'));
    });
  } else {
    session.on('NodeWorker.attachedToWorker', ({ params: { sessionId, workerInfo } }) => {
      if (!workerInfo.title.startsWith('[worker ' + thread + ']')) return;
      let id = 0;
      ask = () => {
        const message = JSON.stringify({ id: ++id, ...look });
        session.post('NodeWorker.sendMessageToWorker', { sessionId, message }, () => {});
      };
    });
    session.post('NodeWorker.enable', { waitForDebuggerOnStart: false }, (error) => {
      if (error) refuse(error);
    });
  }
} catch (error) {
  refuse(error);
}
let last = 0;
let lastAt = 0;
function turn() {
  const due = numbers[${dueAt}];
  const now = performance.timeOrigin + performance.now();
  if (due !== 0 && due !== last && now >= due && now - lastAt >= ${pauseMs} && ask !== null) {
    last = due;
    lastAt = now;
    ask();
  }
  setTimeout(turn, numbers[${lookMs}]);
}
turn();
`;

/** Why there are no stacks; told once in a process, whoever asks. */
type Unavailable = (reason: string) => void;

export class StackSampler {
  readonly #numbers = new Float64Array(new SharedArrayBuffer(16));
  readonly #helper: Worker;
  readonly #symbol: symbol;
  #depth = 0;
  #stack: string | undefined;
  #users = 0;

  /** @throws what the runtime throws where there are no threads. */
  constructor(unavailable: Unavailable) {
    // Of this copy of the package alone: a program may have several.
    const key = `gnet.stack.${Math.random()}`;
    this.#symbol = Symbol.for(key);
    this.#numbers[lookMs] = lookMsMax;
    const workerData = { shared: this.#numbers.buffer, key, thread: threadId };
    // What the program loads first in its threads is not for this one.
    const options = { eval: true, workerData, execArgv: [], name: 'gnet stack sampler' };
    this.#helper = new Worker(helperSource, options);
    this.#helper.unref();
    this.#helper.on('message', unavailable);
    this.#helper.on('error', (error) => unavailable(String(error)));
    const value = (): void => this.#take();
    Object.defineProperty(globalThis, this.#symbol, { value, configurable: true });
  }

  /** Somebody has calls with that limit. */
  use(limitMs: number): void {
    this.#users++;
    const wanted = Math.max(limitMs / looksPerLimit, lookMsMin);
    this.#numbers[lookMs] = Math.min(this.#numbers[lookMs] as number, wanted);
  }

  /** As many times as `use`; true when nobody is left, and the helper ends. */
  release(): boolean {
    if (--this.#users > 0) return false;
    Reflect.deleteProperty(globalThis, this.#symbol);
    void this.#helper.terminate();
    return true;
  }

  /** A call begins, perhaps inside another one: the outermost counts. */
  enter(began: number, limitMs: number): void {
    if (this.#depth++ > 0) return;
    this.#stack = undefined;
    this.#numbers[dueAt] = performance.timeOrigin + began + limitMs * shareOfLimit;
  }

  /** The call ends. Returns the stack if it was taken meanwhile. */
  leave(): string | undefined {
    if (--this.#depth === 0) this.#numbers[dueAt] = 0;
    return this.#stack;
  }

  /** Runs on top of whatever this thread does just now. */
  #take(): void {
    const due = this.#numbers[dueAt] as number;
    // The call may have ended, and another have begun, since the helper asked.
    if (due === 0 || performance.timeOrigin + performance.now() < due) return;
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = framesMax;
    const { stack } = new Error('');
    Error.stackTraceLimit = stackTraceLimit;
    if (typeof stack === 'string') this.#stack = stack;
  }
}
