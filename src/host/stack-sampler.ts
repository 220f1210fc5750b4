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
const look = 'globalThis[Symbol.for(' + JSON.stringify(key) + ')]?.()';
let isReady = false;
// Open only while it looks: at the end of the process the runtime waits for one that is open, and says so.
let session = null;
function close() {
  session?.disconnect();
  session = null;
}
function refuse(error) {
  isReady = false;
  close();
  parentPort.postMessage(error.message ?? String(error));
}
function evaluate(expression, done) {
  close();
  const own = new Session();
  own.connectToMainThread();
  session = own;
  const method = 'Runtime.evaluate';
  const params = { expression, silent: true };
  const ended = (error, answer) => {
    if (session !== own) return;
    close();
    done(error, answer);
  };
  if (thread === 0) {
    own.post(method, params, ended);
    return;
  }
  own.on('NodeWorker.attachedToWorker', ({ params: { sessionId, workerInfo } }) => {
    if (!workerInfo.title.startsWith('[worker ' + thread + ']')) return;
    const message = JSON.stringify({ id: 1, method, params });
    own.post('NodeWorker.sendMessageToWorker', { sessionId, message }, () => {});
  });
  own.on('NodeWorker.receivedMessageFromWorker', ({ params: { message } }) => {
    ended(null, JSON.parse(message).result);
  });
  own.post('NodeWorker.enable', { waitForDebuggerOnStart: false }, (error) => {
    if (error) ended(error);
  });
}
try {
  // A runtime may have the functions, and nothing behind them.
  evaluate('1 + 1', (error, answer) => {
    isReady = answer?.result?.value === 2;
    if (!isReady) refuse(error ?? new Error('the inspector gives no answer'));
  });
} catch (error) {
  refuse(error);
}
let last = 0;
let lastAt = 0;
function turn() {
  const due = numbers[${dueAt}];
  const now = performance.timeOrigin + performance.now();
  if (due !== 0 && due !== last && now >= due && now - lastAt >= ${pauseMs} && isReady) {
    last = due;
    lastAt = now;
    evaluate(look, () => {});
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
