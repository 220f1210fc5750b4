/** What a peer has to have said before its connection can open: a handshake, a PROXY header. */
import { DeadlineLinks } from './deadline-links.ts';
import type { ConnectionOwner, ScheduledDeadline } from './owner.ts';

/** A limit that is seen to be over by that much of itself has not been looked at in time. */
const heldUpShare = 1 / 4;

/**
 * The time limit of that, on the wheel of the loop: it passes only when everything that had arrived
 * was handled. Where the thread was held up for long, or what arrived waits for its turn with us, the
 * peer could not continue: it gets the same time again.
 */
export class OpeningLimit extends DeadlineLinks implements ScheduledDeadline {
  readonly #owner: ConnectionOwner;
  readonly #ms: number;
  readonly #passed: () => void;
  #due = 0;
  /** What the peer has sent waits for its turn. */
  inputWaits = false;

  /** @param ms 0: no limit. */
  constructor(owner: ConnectionOwner, ms: number, passed: () => void) {
    super();
    this.#owner = owner;
    this.#ms = ms;
    this.#passed = passed;
  }

  start(): void {
    if (this.#ms === 0) return;
    this.#due = this.#owner.currentTime() + this.#ms;
    this.#owner.scheduleDeadline(this, this.#ms);
  }

  stop(): void {
    this.#owner.cancelDeadline(this);
  }

  deadlinePassed(): void {
    const late = this.#owner.currentTime() - this.#due;
    if (this.inputWaits || late > this.#ms * heldUpShare) this.start();
    else this.#passed();
  }
}
