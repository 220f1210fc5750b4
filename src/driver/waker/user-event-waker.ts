import { addChange, applyChanges, filters } from '../../syscall/bsd/kqueue.ts';
import { requireBsd } from '../../platform/index.ts';
import { syscallError } from '../../syscall/last-errno.ts';
import type { Waker } from './waker.ts';

const { EV_ADD, EV_CLEAR, NOTE_TRIGGER } = requireBsd().constants;
/** Numbers of such events are those of the queue alone. */
const ident = 0;

/** EVFILT_USER: an event of the queue itself, without a descriptor. kqueue(2) */
export class UserEventWaker implements Waker {
  readonly descriptor = -1;
  readonly held: readonly number[] = [];
  readonly #queue: number;

  /** @throws SyscallError ENOMEM. */
  constructor(queue: number, tag: number) {
    this.#queue = queue;
    // Reported once for all wakes until then: EV_CLEAR.
    addChange(ident, filters.user ?? 0, EV_ADD | EV_CLEAR, tag);
    const result = applyChanges(queue);
    if (result < 0) throw syscallError('kevent', -result, 'watch for wakes');
  }

  wake(): void {
    addChange(ident, filters.user ?? 0, 0, 0, 0, NOTE_TRIGGER);
    applyChanges(this.#queue);
  }

  clear(): void {}

  close(): void {}
}
