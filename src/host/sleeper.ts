import { Worker } from 'node:worker_threads';
import { epollControl, epollCreate } from '../syscall/linux/epoll.ts';
import { syscallError } from '../syscall/last-errno.ts';
import { eventDescriptor, signalEvent } from '../syscall/linux/eventfd.ts';
import { constants } from '../syscall/linux/tables.ts';

const { EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_DEL, EPOLLIN, EPOLLONESHOT } = constants;

/** Words that a thread and its sleeper share. */
const wakesWord = 0;
const overWord = 1;
const sharedBytes = 8;

/** How long one sleep of the helper is: a runtime can end its thread only when that returns. */
const sleepMs = 5_000;
const failuresMax = 16;

/**
 * What the helper thread runs, as a text: it imports nothing of this package, which may be in a bundle.
 * `wait(descriptor, ms)` and `close(descriptor)` are the runtime's.
 */
const helperSource = (calls: string): string => `
const { workerData } = require('node:worker_threads');
const { descriptor, poke, shared } = workerData;
const words = new Int32Array(shared);
${calls}
for (let failures = 0; Atomics.load(words, ${overWord}) === 0 && failures < ${failuresMax}; ) {
  const found = wait(descriptor, ${sleepMs});
  failures = found < 0 ? failures + 1 : 0;
  if (found <= 0) continue;
  Atomics.add(words, ${wakesWord}, 1);
  Atomics.notify(words, ${wakesWord});
}
close(descriptor);
close(poke);
`;

/**
 * Sleeps in the kernel for a thread that must not: a helper thread waits in epoll_wait(2) on the
 * descriptors of the thread's loops, and says when one is readable. Lives as long as the thread, and
 * keeps neither that nor the process alive.
 */
export class Sleeper {
  /** The helper thread could not start, or has died: it reports nothing. */
  isGone = false;
  readonly #epoll: number;
  readonly #poke: number;
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #woken: () => void;
  /** The count of wakes that is waited on, or -1. */
  #waitsOn = -1;

  /**
   * @param calls JavaScript that defines `wait` and `close` in the helper thread.
   * @param woken called on this thread, outside of all other code, after a descriptor became readable;
   * also once when the helper is gone.
   * @throws SyscallError EMFILE, ENFILE, ENOMEM, with nothing left open.
   */
  constructor(calls: string, woken: () => void) {
    this.#woken = woken;
    this.#epoll = epollCreate();
    this.#poke = eventDescriptor();
    epollControl(this.#epoll, EPOLL_CTL_ADD, this.#poke, EPOLLIN, 0, 0);
    const shared = new SharedArrayBuffer(sharedBytes);
    this.#words = new Int32Array(shared);
    const workerData = { descriptor: this.#epoll, poke: this.#poke, shared };
    const helper = new Worker(helperSource(calls), {
      eval: true,
      workerData,
      name: 'gnet sleeper',
    });
    helper.unref();
    helper.on('error', () => this.#lost());
    helper.on('exit', () => this.#lost());
    process.once('exit', () => this.#end());
  }

  #lost(): void {
    this.isGone = true;
    this.#woken();
  }

  /** The helper closes the descriptors: they are its own until it has left its wait. */
  #end(): void {
    Atomics.store(this.#words, overWord, 1);
    signalEvent(this.#poke);
  }

  /** @throws SyscallError ENOMEM, ENOSPC. */
  add(descriptor: number): void {
    const result = epollControl(this.#epoll, EPOLL_CTL_ADD, descriptor, 0, 0, 0);
    if (result < 0) throw syscallError('epoll_ctl', -result, 'watch a loop from a helper thread');
  }

  /** Before the descriptor is closed. */
  remove(descriptor: number): void {
    epollControl(this.#epoll, EPOLL_CTL_DEL, descriptor, 0, 0, 0);
  }

  /** From now on `woken` is called once one that is armed becomes readable, or is already. */
  listen(): void {
    const wakes = Atomics.load(this.#words, wakesWord);
    if (this.#waitsOn === wakes) return;
    const outcome = Atomics.waitAsync(this.#words, wakesWord, wakes);
    if (!outcome.async) {
      this.listen();
      return;
    }
    this.#waitsOn = wakes;
    void outcome.value.then(() => {
      if (this.#waitsOn === wakes) this.#waitsOn = -1;
      this.#woken();
    });
  }

  /** Says once when it is readable. */
  arm(descriptor: number): void {
    epollControl(this.#epoll, EPOLL_CTL_MOD, descriptor, EPOLLIN | EPOLLONESHOT, 0, 0);
  }
}
