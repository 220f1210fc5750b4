import {
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  Worker,
  type WorkerOptions,
} from 'node:worker_threads';
import { abandonLanesOf } from '../mailbox/abandoned-lanes.ts';
import { closeWhatIsLeft } from './dead-loop-cleanup.ts';
import { LoopMemory } from '../mailbox/loop-memory.ts';
import { freeThreadObjects } from './dead-thread-tls.ts';
import type {
  FromThread,
  LoopThreadData,
  ObjectsMessage,
  OwnLoopMessage,
  ToThread,
} from './messages.ts';
import { moduleEntry } from './module-entry.ts';
import { programEntry } from './program-entry.ts';
import { SyscallError } from '../base/errors.ts';
import { errorOf } from '../base/thrown.ts';

/** How long a thread that is no longer needed may take to end by itself. */
const endingMs = 250;

/** What it holds beside what the main thread ordered. */
type HoldingMessage = OwnLoopMessage | ObjectsMessage;

export interface LoopThreadEvents {
  message(thread: LoopThread, message: FromThread): void;
  /** The thread is gone; `reason` when it was not asked to go. */
  ended(thread: LoopThread, reason: Error | null): void;
}

/** What the runtime says instead of an error of its own when the system refuses. */
const errnoName = /^E[A-Z]+$/;

/** @throws SyscallError when the system has no thread to give. */
function startWorker(entry: URL | string, options: WorkerOptions): Worker {
  try {
    return new Worker(entry, options);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code !== 'ERR_WORKER_INIT_FAILED' || !errnoName.test(message)) throw cause;
    throw new SyscallError(
      message,
      `cannot start a thread for a loop: the system refuses it (pthread_create: ${message}); run fewer loops, or ` +
        'allow this user more threads (ulimit -u, TasksMax= of systemd, pids.max of the container)',
      { syscall: 'pthread_create', cause },
    );
  }
}

/** One thread for loops, as the main thread sees it. */
export class LoopThread {
  readonly index: number;
  /** The file that it runs. */
  readonly entry: string;
  readonly threadId: number;
  readonly ended: Promise<void>;
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #events: LoopThreadEvents;
  /** Loops that its program made by itself, by the keys of their memories. */
  readonly #ownLoops = new Map<string, LoopMemory>();
  /** Where it has written down what it holds of OpenSSL. */
  readonly #objects: SharedArrayBuffer[] = [];
  #error: Error | null = null;
  #asked = false;

  constructor(kind: 'program' | 'module', index: number, events: LoopThreadEvents) {
    this.index = index;
    this.#events = events;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const data: LoopThreadData = { gnetLoopThread: { index, kind, port: port2 } };
    // The runtime's flags, conditions and preloaded modules are passed on by themselves.
    const entry = kind === 'program' ? programEntry() : moduleEntry();
    this.entry = String(entry);
    this.#worker = startWorker(entry, {
      argv: process.argv.slice(2),
      name: `gnet loop ${index}`,
      // Programs close what `dupFd` gave them: with tracking the runtime would warn of each.
      trackUnmanagedFds: false,
      workerData: data,
      transferList: [port2],
    });
    this.threadId = this.#worker.threadId;
    port1.on('message', (message: FromThread | HoldingMessage) => {
      if (!this.#noteHolding(message)) events.message(this, message);
    });
    // The thread itself keeps the process alive.
    port1.unref();
    this.#worker.on('error', (error: unknown) => {
      this.#error = errorOf(error);
    });
    this.ended = new Promise((resolve) => {
      this.#worker.on('exit', (code) => {
        this.#readLastWords();
        this.#endOwnLoops();
        freeThreadObjects(this.#objects);
        port1.close();
        const why = this.#error ?? new Error(`the thread ended with exit code ${code}`);
        events.ended(this, this.#asked ? null : why);
        resolve();
      });
    });
  }

  #noteHolding(message: FromThread | HoldingMessage): message is HoldingMessage {
    if (message.type === 'own') {
      const memory = new LoopMemory(message.memory);
      this.#ownLoops.set(memory.key, memory);
    } else if (message.type === 'ownEnded') {
      this.#ownLoops.delete(message.key);
    } else if (message.type === 'objects') {
      this.#objects.push(message.memory);
    } else {
      return false;
    }
    return true;
  }

  /** What it said last may still be on its way: the log above all, which may say why it died. */
  #readLastWords(): void {
    for (;;) {
      const received = receiveMessageOnPort(this.#port);
      if (received === undefined) return;
      const message = received.message as FromThread | HoldingMessage;
      // The rest is about a thread that is no more.
      if (!this.#noteHolding(message) && message.type === 'log')
        this.#events.message(this, message);
    }
  }

  /** The thread is gone, also when it was asked to end, and nothing else reports its loops. */
  #endOwnLoops(): void {
    for (const memory of this.#ownLoops.values()) {
      memory.markDead();
      closeWhatIsLeft(memory);
    }
    this.#ownLoops.clear();
  }

  /** Another thread has died: what it wrote to loops of this program's own is not waited for. */
  abandonLanesOf(deadThreadId: number): void {
    for (const memory of this.#ownLoops.values()) abandonLanesOf(memory, deadThreadId);
  }

  post(message: ToThread): void {
    this.#port.postMessage(message);
  }

  /** Asks it to end, then makes it end. */
  async end(): Promise<void> {
    this.#asked = true;
    this.post({ type: 'end' });
    const timer = setTimeout(() => void this.#worker.terminate(), endingMs);
    await this.ended;
    clearTimeout(timer);
  }

  /** It does not do what it is asked: away with it. Reported as a death. */
  kill(): void {
    void this.#worker.terminate();
  }
}
