/** Which topics have a subscriber that is slow, on all loops of a process: publishers wait for those. */
import { type Subscriber, whenTaken } from './subscriber.ts';

/** What loops tell one another. */
export interface PressureSign {
  readonly loop: string;
  /** Those of that loop which are full. */
  readonly full: readonly string[];
}

/** Between two signs of a loop that has a slow subscriber, in ms. */
const signMs = 1_000;
/** A loop that has given none so many times is gone. */
const signsMissed = 3;

interface OtherLoop {
  readonly full: ReadonlySet<string>;
  missed: number;
}

export class Pressure {
  readonly #self = crypto.randomUUID();
  readonly #tell: (sign: PressureSign) => void;
  /** Of this loop: by slow subscriber the topics that it holds up. */
  readonly #slow = new Map<Subscriber, Set<string>>();
  /** By topic how many hold it up. */
  readonly #full = new Map<string, number>();
  readonly #others = new Map<string, OtherLoop>();
  readonly #waiting = new Map<string, (() => void)[]>();
  #ticking: NodeJS.Timeout | null = null;
  #willSay = false;
  #isClosed = false;

  constructor(tell: (sign: PressureSign) => void) {
    this.#tell = tell;
  }

  /** A subscriber of this loop has enough for now. */
  isFull(subscriber: Subscriber, topic: string): void {
    let topics = this.#slow.get(subscriber);
    if (topics === undefined) {
      topics = new Set();
      this.#slow.set(subscriber, topics);
      void whenTaken(subscriber).then(() => this.#hasRoom(subscriber));
    }
    if (topics.has(topic)) return;
    topics.add(topic);
    const count = this.#full.get(topic) ?? 0;
    this.#full.set(topic, count + 1);
    if (count === 0) this.#say();
  }

  #hasRoom(subscriber: Subscriber): void {
    const topics = this.#slow.get(subscriber) ?? [];
    this.#slow.delete(subscriber);
    const before = this.#full.size;
    for (const topic of topics) {
      const count = this.#full.get(topic) as number;
      if (count > 1) this.#full.set(topic, count - 1);
      else this.#full.delete(topic);
    }
    if (this.#full.size === before) return;
    this.#say();
    this.#look();
  }

  /** Resolves when nobody holds it up any more; undefined if nobody does now. */
  ready(topic: string): Promise<void> | undefined {
    if (!this.#isHeldUp(topic)) return undefined;
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(topic);
      if (waiting === undefined) this.#waiting.set(topic, [resolve]);
      else waiting.push(resolve);
    });
  }

  #isHeldUp(topic: string): boolean {
    if (this.#full.has(topic)) return true;
    for (const { full } of this.#others.values()) if (full.has(topic)) return true;
    return false;
  }

  /** What another loop has told. */
  take({ loop, full }: PressureSign): void {
    if (full.length === 0) this.#others.delete(loop);
    else this.#others.set(loop, { full: new Set(full), missed: 0 });
    this.#look();
    this.#tick();
  }

  #look(): void {
    for (const [topic, waiting] of this.#waiting) {
      if (this.#isHeldUp(topic)) continue;
      this.#waiting.delete(topic);
      for (const resolve of waiting) resolve();
    }
  }

  /** Soon, and once for all that changes until then. */
  #say(): void {
    this.#tick();
    if (this.#willSay) return;
    this.#willSay = true;
    setImmediate(() => {
      this.#willSay = false;
      if (!this.#isClosed) this.#tellAll();
    });
  }

  #tellAll(): void {
    this.#tell({ loop: this.#self, full: [...this.#full.keys()] });
  }

  /** While there is something to be said, or to be heard. */
  #tick(): void {
    const isNeeded = this.#full.size > 0 || this.#others.size > 0;
    if (isNeeded) this.#ticking ??= setInterval(() => this.#signs(), signMs).unref();
    else if (this.#ticking !== null) {
      clearInterval(this.#ticking);
      this.#ticking = null;
    }
  }

  #signs(): void {
    for (const [name, loop] of this.#others) {
      if (++loop.missed > signsMissed) this.#others.delete(name);
    }
    this.#look();
    if (this.#full.size > 0) this.#say();
    else this.#tick();
  }

  /** Nobody waits any more. */
  close(): void {
    this.#slow.clear();
    this.#full.clear();
    this.#others.clear();
    this.#isClosed = true;
    this.#tellAll();
    this.#tick();
    this.#look();
  }
}
