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

/** Gives connections their looks at the time, all of a thread by one timer. */
export class Clock {
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
  }

  #runSoon(): void {
    const all = [...this.#soon];
    this.#soon.clear();
    const now = clockTime();
    for (const ticking of all) if (ticking.tick(now)) this.wake(ticking);
  }

  #arm(at: number): void {
    if (at >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = setTimeout(() => this.#run(), Math.max(1, at - clockTime()));
  }

  #run(): void {
    this.#timerAt = Infinity;
    const now = clockTime();
    for (const [ticking, at] of this.#due) {
      if (at > now) continue;
      if (ticking.tick(now)) this.#due.set(ticking, now + ticking.interval);
      else this.#due.delete(ticking);
    }
    if (this.#due.size > 0) this.#arm(Math.min(...this.#due.values()));
  }
}
