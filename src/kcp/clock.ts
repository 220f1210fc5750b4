import { type LoopClock, type LoopWithClock, loopClock } from '../base/loop-work.ts';
import { ErrServerInShutdown, type EventLoop } from '../index.ts';

/** Something that looks at its time every so often while it has something to do. */
interface Ticking {
  /** Milliseconds between looks. */
  readonly interval: number;
  /** False: nothing more is to be done until `Clock.wake`. */
  tick(now: number): boolean;
}

const nothing = (): void => {};

const clocks = new WeakMap<EventLoop, Clock>();

/** The clock of a loop, which is the same for all its conversations. */
export function clockOf(loop: EventLoop): Clock {
  const known = clocks.get(loop);
  if (known !== undefined) return known;
  const made = new Clock(loop);
  clocks.set(loop, made);
  return made;
}

/**
 * Gives the conversations of a loop, which all have the same interval, their looks at the time by one
 * timer of the loop: in a simulation it is the time of that.
 */
export class Clock {
  readonly #loop: EventLoop;
  readonly #time: LoopClock;
  /** Timers come late by up to twice that: who asks for one so much earlier has it on time on average. */
  readonly #early: number;
  /** When each has its look: the soonest first, since each is put behind all others. */
  readonly #due = new Map<Ticking, number>();
  readonly #soon = new Set<Ticking>();
  #cancelTimer = nothing;
  #timerAt = Infinity;

  constructor(loop: EventLoop) {
    this.#loop = loop;
    this.#time = (loop as EventLoop & LoopWithClock)[loopClock];
    this.#early = this.#time.wheel.lateMs >> 1;
  }

  /** Milliseconds, a whole number. */
  get now(): number {
    return this.#time.currentTime();
  }

  /** A look after its interval, if none is to come. */
  wake(ticking: Ticking): void {
    if (this.#due.has(ticking)) return;
    const at = this.now + ticking.interval;
    this.#due.set(ticking, at);
    this.#arm(at);
  }

  /** A look as soon as what has arrived is handled: one for a whole batch of datagrams. */
  soon(ticking: Ticking): void {
    if (this.#soon.size === 0) this.#untilOver(() => this.#loop.execute(() => this.#runSoon()));
    this.#soon.add(ticking);
  }

  /** Calls a function after so many milliseconds. Returns what calls that off. */
  after(ms: number, fn: () => void): () => void {
    return this.#untilOver(() => this.#loop.schedule(ms, fn)) ?? nothing;
  }

  forget(ticking: Ticking): void {
    this.#due.delete(ticking);
    this.#soon.delete(ticking);
    if (this.#due.size === 0) this.#disarm();
  }

  /** A loop that is over has nobody left to look at the time. */
  #untilOver<Result>(asks: () => Result): Result | undefined {
    try {
      return asks();
    } catch (error) {
      if (error instanceof ErrServerInShutdown) return undefined;
      throw error;
    }
  }

  #disarm(): void {
    this.#cancelTimer();
    this.#timerAt = Infinity;
  }

  #runSoon(): void {
    const all = [...this.#soon];
    this.#soon.clear();
    const { now } = this;
    for (const ticking of all) if (ticking.tick(now)) this.wake(ticking);
  }

  #arm(at: number): void {
    if (at >= this.#timerAt) return;
    this.#disarm();
    this.#timerAt = at;
    const ms = Math.max(1, at - this.#early - this.now);
    this.#cancelTimer = this.after(ms, () => this.#run());
  }

  #run(): void {
    this.#timerAt = Infinity;
    this.#cancelTimer = nothing;
    const { now } = this;
    for (const [ticking, at] of this.#due) {
      if (at > now + this.#early) break;
      this.#due.delete(ticking);
      if (ticking.tick(now)) this.#due.set(ticking, now + ticking.interval);
    }
    const next = this.#due.values().next();
    if (!next.done) this.#arm(next.value);
  }
}
