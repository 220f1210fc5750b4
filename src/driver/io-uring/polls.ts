import { assert } from '../../base/assert.ts';
import type { ReadabilitySource } from '../native/datagrams.ts';
import { kind, tagOf } from './completion-tags.ts';
import type { Operations } from './operations.ts';
import type { Ring } from './ring.ts';

interface Poll {
  readonly descriptor: number;
  readonly generation: number;
  armed: boolean;
}

/**
 * Descriptors of others whose readiness ends the wait. Each poll completes once and is armed again by
 * the next wait, when their owner has had a turn: so it behaves level-triggered.
 */
export class Watches {
  readonly #operations: Operations;
  readonly #polls: (Poll | null)[] = [];
  #generation = 0;

  constructor(operations: Operations) {
    this.#operations = operations;
  }

  add(descriptor: number): void {
    const poll = { descriptor, generation: ++this.#generation, armed: false };
    const free = this.#polls.indexOf(null);
    if (free === -1) this.#polls.push(poll);
    else this.#polls[free] = poll;
  }

  remove(descriptor: number): void {
    const index = this.#polls.findIndex((poll) => poll?.descriptor === descriptor);
    const poll = this.#polls[index] ?? null;
    if (poll === null) return;
    this.#polls[index] = null;
    if (poll.armed) this.#operations.cancel(tagOf(kind.watched, index), poll.generation);
  }

  /** Before each wait. */
  arm(): void {
    const polls = this.#polls;
    for (let index = 0; index < polls.length; index++) {
      const poll = polls[index] ?? null;
      if (poll === null || poll.armed) continue;
      poll.armed = true;
      const tag = tagOf(kind.watched, index);
      this.#operations.pollReadable(poll.descriptor, tag, poll.generation);
    }
  }

  completed(index: number, generation: number): void {
    const poll = this.#polls[index] ?? null;
    if (poll?.generation === generation) poll.armed = false;
  }
}

/**
 * Readability of datagram sockets. The datagrams themselves come and go by recvmmsg(2) and
 * sendmmsg(2), 64 at a time, which costs less than an operation for each (docs/decisions/0013).
 */
export class DatagramPolls implements ReadabilitySource {
  readonly call = 'io_uring_enter';
  readonly #ring: Ring;
  readonly #operations: Operations;
  readonly #polls: (Poll | null)[] = [];

  constructor(ring: Ring, operations: Operations) {
    this.#ring = ring;
    this.#operations = operations;
  }

  add(descriptor: number, id: number, generation: number): number {
    this.#polls[id] = { descriptor, generation, armed: false };
    this.#arm(id);
    return 0;
  }

  #arm(id: number): void {
    const poll = this.#polls[id] ?? null;
    assert(poll !== null, 'the endpoint receives');
    poll.armed = true;
    this.#operations.pollReadable(poll.descriptor, tagOf(kind.datagram, id), poll.generation);
  }

  /** Waits until the kernel has let go, or the port would stay taken after close(2). */
  remove(descriptor: number): number {
    const id = this.#polls.findIndex((poll) => poll?.descriptor === descriptor);
    const poll = this.#polls[id] ?? null;
    if (poll === null) return 0;
    this.#polls[id] = null;
    if (!poll.armed) return 0;
    const tag = tagOf(kind.datagram, id);
    this.#operations.cancel(tag, poll.generation);
    this.#ring.settle(tag, poll.generation);
    return 0;
  }

  /** Whether the endpoint is still there; `armAgain` follows when its owner has had its turn. */
  completed(id: number, generation: number): boolean {
    const poll = this.#polls[id] ?? null;
    if (poll?.generation !== generation) return false;
    poll.armed = false;
    return true;
  }

  armAgain(id: number, generation: number): void {
    const poll = this.#polls[id] ?? null;
    if (poll?.generation === generation && !poll.armed) this.#arm(id);
  }
}
