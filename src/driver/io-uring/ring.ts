import { assert } from '../../base/assert.ts';
import { errnoNumber } from '../../platform/index.ts';
import { ioUringConstants as numbers } from '../../platform/linux-io-uring.ts';
import { syscallError } from '../../syscall/last-errno.ts';
import {
  enterRing,
  enterRingTimed,
  registerEventDescriptor,
} from '../../syscall/linux/io-uring.ts';
import type { DescriptorLedger } from '../descriptor-ledger.ts';
import { WaitFailures } from '../native/wait-failures.ts';
import {
  CompletionQueue,
  completionWords,
  flagsWord,
  generationWord,
  tagWord,
} from './completion-queue.ts';
import { RingMemory } from './ring-memory.ts';
import { SubmissionQueue } from './submission-queue.ts';
import { EventfdWaker } from '../waker/eventfd-waker.ts';
import type { Waker } from '../waker/waker.ts';

const somethingToDo = numbers.IORING_SQ_TASKRUN | numbers.IORING_SQ_CQ_OVERFLOW;
const noLimit = Number.MAX_SAFE_INTEGER;

/** Ways of io_uring_enter(2) to come back without what was asked for. */
const emptyHanded: ReadonlySet<number> = new Set(
  [
    'ETIME', // the time passed
    'EINTR', // a signal, whose handler the runtime runs
    'EAGAIN', // no memory for a request: it stays in the queue and is tried again
    'EBUSY', // completions overflowed: they must be taken first, as the next enter does
    'ENOMEM', // no memory for what it needs: it is asked for again
    'ENOBUFS', // the same
  ].map((name) => errnoNumber(name) as number),
);

/** Of those: nothing would change if the same were asked at once. */
const lacks: ReadonlySet<number> = new Set(
  ['EAGAIN', 'ENOMEM', 'ENOBUFS'].map((name) => errnoNumber(name) as number),
);
/** A sleep that the kernel had no memory for is one without it, so long first, then twice as long. */
const restMsFirst = 1;
const restMsMax = 16;
const pause = new Int32Array(new SharedArrayBuffer(4));

/** A call that made this many completions stopped at its limit: there are more streams to serve. */
const manyCompletions = 16;

/** Calls of one `settle` or `makeRoom`, each of which makes progress or waits for some. */
const patienceMax = 100;
const patienceMs = 20;

/**
 * Submission and completion together: one kernel entry per turn does both. Counts what is in flight,
 * so that closing knows when the kernel has let go.
 */
export class Ring {
  readonly memory: RingMemory;
  readonly completions: CompletionQueue;
  /** The completion of the list that is handled next. */
  position = 0;
  readonly #submissions: SubmissionQueue;
  readonly #waitFlags: number;
  #started = 0;
  readonly #failures = new WaitFailures();
  /** How long the next sleep that the kernel has no memory for lasts; 0: the last call went well. */
  #restMs = 0;
  /** Readable when there is something to do; made for those who cannot wait in this ring. */
  #signal: Waker | null = null;
  /** Inside a wait: the waiting thread enters the kernel again, so no signal is needed. */
  waiting = false;

  readonly #ledger: DescriptorLedger | undefined;

  constructor(entries: number, ledger?: DescriptorLedger) {
    this.memory = new RingMemory(entries);
    this.#ledger = ledger;
    ledger?.opened(this.memory.descriptor);
    for (const mapping of this.memory.mappings) ledger?.mapped(mapping);
    this.#submissions = new SubmissionQueue(this.memory);
    this.completions = new CompletionQueue(this.memory, ledger);
    const noIowait = (this.memory.features & numbers.IORING_FEAT_NO_IOWAIT) !== 0;
    // Without it an idle server looks like one that waits for a disk.
    this.#waitFlags =
      numbers.IORING_ENTER_GETEVENTS | (noIowait ? numbers.IORING_ENTER_NO_IOWAIT : 0);
  }

  /** Operations whose last completion has not been taken. */
  get inFlight(): number {
    return this.#started - this.completions.ended;
  }

  /** Begins an operation: see `SubmissionQueue.begin`. What is returned takes the rest of it. */
  begin(operation: number, descriptor: number, tag: number, generation: number): SubmissionQueue {
    const submissions = this.#submissions;
    if (submissions.full) this.#makeRoom();
    submissions.begin(operation, descriptor, tag, generation);
    this.#started++;
    if (!this.waiting) this.#signal?.wake();
    return submissions;
  }

  /** The kernel takes entries unless it has no memory or too many completions: make way for both. */
  #makeRoom(): void {
    for (let tries = 0; this.#submissions.full; tries++) {
      assert(tries < patienceMax, 'the kernel takes submissions');
      this.completions.fill(noLimit);
      this.#enter(0, 0);
    }
  }

  #enter(minComplete: number, timeoutMs: number): void {
    const toSubmit = this.#submissions.publish();
    const { descriptor } = this.memory;
    const result =
      timeoutMs > 0
        ? enterRingTimed(descriptor, toSubmit, minComplete, this.#waitFlags, timeoutMs)
        : enterRing(descriptor, toSubmit, minComplete, this.#waitFlags);
    this.#submissions.update();
    if (result < 0) this.#cameBack(-result);
    else {
      this.#restMs = 0;
      this.#failures.succeeded();
    }
  }

  /**
   * A signal ends the sleep without a look. So does the stop of the process, and what came while it was
   * stopped must be heard before time limits fire. Where something was submitted, too, no errno tells.
   */
  #sleep(timeoutMs: number): void {
    this.#enter(1, timeoutMs);
    if (this.completions.waiting === 0) this.#enter(0, 0);
    if (this.#restMs > 0 && this.completions.waiting === 0) this.#sleepWithoutKernel(timeoutMs);
  }

  #sleepWithoutKernel(timeoutMs: number): void {
    Atomics.wait(pause, 0, 0, timeoutMs < 0 ? this.#restMs : Math.min(this.#restMs, timeoutMs));
    this.#restMs = Math.min(this.#restMs * 2, restMsMax);
  }

  #cameBack(errno: number): void {
    const lost = this.memory.words[this.memory.lost];
    if (lacks.has(errno)) this.#restMs ||= restMsFirst;
    assert(lost === 0, `no completion is lost, ${lost} were: streams would hang silently`);
    // Only a wait that fails ends a loop: not what it does for its end, which must come to one.
    if (this.waiting && !emptyHanded.has(errno)) this.#failures.failed('io_uring_enter', errno);
  }

  get #kernelHasWork(): boolean {
    const { words, submissionFlags } = this.memory;
    return ((words[submissionFlags] as number) & somethingToDo) !== 0;
  }

  /** Gives what is queued to the kernel now. */
  submit(): void {
    if (this.#submissions.pending > 0) this.#enter(0, 0);
  }

  /**
   * Submits, waits for a completion for at most `timeoutMs` (0: does not wait, -1: no limit) and
   * moves completions to the list, until that has `max`. What `settle` has left there counts: it is
   * neither slept over nor given up.
   */
  collect(timeoutMs: number, max: number): void {
    const { completions } = this;
    const nothingThere = completions.waiting === 0 && completions.count === 0;
    if (timeoutMs !== 0 && nothingThere) this.#sleep(timeoutMs);
    else if (this.#submissions.pending > 0 || this.#kernelHasWork) this.#enter(0, 0);
    completions.fill(max);
    // One call makes some twenty completions, however many there are to be made. When it made few,
    // what is left is more of the same streams: that must not keep others waiting.
    let before = 0;
    while (
      completions.count - before >= manyCompletions &&
      completions.count < max &&
      this.#kernelHasWork
    ) {
      before = completions.count;
      this.#enter(0, 0);
      completions.fill(max);
    }
  }

  /**
   * Waits until the last completion of an operation stands in the list, unhandled. For operations
   * that were cancelled and whose end somebody must know now. False: the kernel does not let go.
   */
  settle(tag: number, generation: number): boolean {
    const { completions } = this;
    let index = this.position;
    for (let tries = 0; tries < patienceMax; tries++) {
      this.#enter(0, 0);
      completions.fill(noLimit);
      const { list } = completions;
      for (; index < completions.count; index++) {
        const at = index * completionWords;
        if (list[at + tagWord] !== tag || list[at + generationWord] !== generation) continue;
        if (((list[at + flagsWord] as number) & numbers.IORING_CQE_F_MORE) === 0) return true;
      }
      if (completions.waiting === 0) this.#enter(1, patienceMs);
      completions.fill(noLimit);
    }
    return false;
  }

  // -- for another loop's wait ----------------------------------------------------------------------

  /**
   * A ring of this kind cannot be polled: completions are made only when its thread asks. An eventfd
   * is signalled when there is something to ask for, or to submit.
   */
  get pollableDescriptor(): number {
    if (this.#signal !== null) return this.#signal.descriptor;
    this.submit();
    const signal = new EventfdWaker();
    const result = registerEventDescriptor(this.memory.descriptor, signal.descriptor);
    if (result < 0) {
      signal.close();
      throw syscallError('io_uring_register', -result, 'be told of completions by an eventfd');
    }
    this.#ledger?.opened(signal.descriptor);
    this.#signal = signal;
    return signal.descriptor;
  }

  /** Others wait in `pollableDescriptor`, if it was ever asked for. */
  beginWait(timeoutMs: number): void {
    this.waiting = true;
    if (timeoutMs === 0) this.#signal?.clear();
  }

  /** @param left something is left to do for the next wait. */
  endWait(left: boolean): void {
    this.waiting = false;
    if (this.#signal === null) return;
    this.submit();
    if (left || this.completions.waiting > 0 || this.#kernelHasWork) this.signal();
  }

  /** The next wait has something to report. */
  signal(): void {
    this.#signal?.wake();
  }

  close(): void {
    for (const { address } of this.memory.mappings) this.#ledger?.unmapping(address);
    this.memory.close(this.#ledger?.bits);
    this.#signal?.close(this.#ledger?.bits);
  }
}
