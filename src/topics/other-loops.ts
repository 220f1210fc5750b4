/** Whether loops of the same topics live in other threads, or elsewhere in this one. */
import { threadLocks } from '../host/thread-locks.ts';

/** A lock that is held until it is let go, which may be before it is had. */
class Hold {
  readonly until: Promise<void>;
  letGo: () => void = () => {};

  constructor() {
    this.until = new Promise((resolve) => {
      this.letGo = resolve;
    });
  }
}

/**
 * Every loop asks for a lock of its topics' name twice: for itself alone if it can be had at once, and
 * shared. A loop that got the first is the only one that lives: whoever comes later asks later, and then
 * says hello on the channel that this loop has opened before it asked. It lets the lock go when it hears
 * that, whereupon both share it. So nobody who has another beside it ever gets the first, and locks of
 * a killed thread are let go by the runtime.
 */
export class OtherLoops {
  readonly #alone = new Hold();
  readonly #member = new Hold();
  readonly #waiting = new AbortController();
  #isAlone = false;
  #heard = false;

  /** Call this when the channel is open, and say hello behind it. */
  constructor(name: string) {
    const locks = threadLocks();
    if (locks === null) return;
    const lock = `gnet topics ${name}`;
    const alone = locks.request(lock, { ifAvailable: true }, (granted) => {
      this.#isAlone = granted !== null && !this.#heard;
      return granted === null ? undefined : this.#alone.until;
    });
    const { signal } = this.#waiting;
    const shared = locks.request(lock, { mode: 'shared', signal }, () => this.#member.until);
    // No locks for this thread: there may be others, as before they were asked for.
    for (const request of [alone, shared]) request.catch(() => this.heard());
  }

  /**
   * False only if nobody else hears what was sent before the runtime's last look at its descriptors: a
   * loop that somebody knows of has said hello before.
   */
  get mayListen(): boolean {
    return !this.#isAlone;
  }

  /** Another one has said hello. */
  heard(): void {
    this.#heard = true;
    this.#isAlone = false;
    this.#alone.letGo();
  }

  leave(): void {
    this.heard();
    this.#member.letGo();
    this.#waiting.abort();
  }
}
