import { ioUringConstants as numbers } from '../../platform/linux-io-uring.ts';
import { constants } from '../../syscall/linux/tables.ts';
import { errorBehindEnd } from '../native/broken-stream.ts';
import { canceled, isLackOfMemory } from '../native/errno-sets.ts';
import type { MemoryRest } from '../native/memory-rest.ts';
import type { Operations } from './operations.ts';
import type { Stream } from './stream.ts';
import { anyFailure, anyHangupPoll, notOpen, ownEnd } from './stream-states.ts';
import { hangupPollEnded, hangupPollStarted } from './stream-transitions.ts';

const more = numbers.IORING_CQE_F_MORE;
const hangupEvents = constants.POLLERR | constants.POLLHUP;

/** No receive is in flight behind the peer's end: a reset would not be heard without these polls. */
export class HangupPolls {
  readonly #operations: Operations;
  readonly #rest: MemoryRest;

  constructor(operations: Operations, rest: MemoryRest) {
    this.#operations = operations;
    this.#rest = rest;
  }

  start(stream: Stream): void {
    hangupPollStarted(stream);
    this.#operations.pollHangup(stream);
  }

  /**
   * It tells of a change: also of the end itself, and of room. Returns the errno of what broke the
   * stream, or 0. Of a closed stream only the end of its poll counts.
   */
  changed(stream: Stream, result: number, flags: number): number {
    const ended = (flags & more) === 0;
    if (ended) hangupPollEnded(stream);
    if ((stream.states & (notOpen | anyFailure)) !== 0 || result === -canceled) return 0;
    if (result >= 0 && (result & hangupEvents) !== 0) {
      return errorBehindEnd(stream.descriptor, (stream.states & ownEnd.done) !== 0);
    }
    if (isLackOfMemory(-result)) this.#rest.later(() => this.#startAgain(stream));
    else if (ended) this.start(stream);
    return 0;
  }

  #startAgain(stream: Stream): void {
    if ((stream.states & (notOpen | anyFailure | anyHangupPoll)) === 0) this.start(stream);
  }
}
