/** Something that looks at its time every so often while it has something to do. */
interface Ticking {
  /** Milliseconds between looks. */
  readonly interval: number;
  /** False: nothing more is to be done until `Clock.wake`. */
  tick(now: number): boolean;
}

/** Milliseconds of this thread, a whole number. */
export function clockTime(): number {
  return Math.trunc(performance.now());
}

/** Gives connections, which all have the same interval, their looks at the time by one timer. */
export class Clock {
  /** When each has its look: the soonest first, since each is put behind all others. */
  readonly #due = new Map<Ticking, number>();
  readonly #soon = new Set<Ticking>();
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Infinity;

  /** A look after its interval, if none is to come. */
  wake(ticking: Ticking): void {
    if (this.#due.has(ticking)) return;
    const at = clockTime() + ticking.interval;
    this.#due.set(ticking, at);
    this.#arm(at);
  }

  /** A look as soon as what has arrived is handled: one for a whole batch of datagrams. */
  soon(ticking: Ticking): void {
    if (this.#soon.size === 0) setImmediate(() => this.#runSoon());
    this.#soon.add(ticking);
  }

  forget(ticking: Ticking): void {
    this.#due.delete(ticking);
    this.#soon.delete(ticking);
    // A timer without connections would keep the process alive.
    if (this.#due.size === 0) this.#disarm();
  }

  #disarm(): void {
    clearTimeout(this.#timer);
    this.#timerAt = Infinity;
  }

  #runSoon(): void {
    const all = [...this.#soon];
    this.#soon.clear();
    const now = clockTime();
    for (const ticking of all) if (ticking.tick(now)) this.wake(ticking);
  }

  #arm(at: number): void {
    if (at >= this.#timerAt) return;
    this.#disarm();
    this.#timerAt = at;
    this.#timer = setTimeout(() => this.#run(), Math.max(1, at - clockTime()));
  }

  #run(): void {
    this.#timerAt = Infinity;
    const now = clockTime();
    for (const [ticking, at] of this.#due) {
      if (at > now) break;
      this.#due.delete(ticking);
      if (ticking.tick(now)) this.#due.set(ticking, now + ticking.interval);
    }
    const next = this.#due.values().next();
    if (!next.done) this.#arm(next.value);
  }
}
