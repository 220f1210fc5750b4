/** What the program holds for longer than it should: see the option `leakDetection`. */
import { fstatSync } from 'node:fs';
import { channels } from '../base/channels.ts';
import { captureOrigin, type Origin, programFrames } from '../base/origin.ts';
import { PromiseOrigins } from '../host/promise-origins.ts';
import type { Logger } from '../logging/logger.ts';
import type { Conn } from './conn.ts';
import { DeadlineLinks } from './deadline-links.ts';
import type { Activity, Held, LeakKind, Leaks, LeakSettings, MovingConn } from './leaks.ts';
import type { ScheduledDeadline } from './owner.ts';

const messages: Readonly<Record<LeakKind, string>> = {
  frame: 'a retained frame was not released',
  promise: 'a promise of the handler has not settled',
  connection: 'a dialled connection is open, and nothing moves',
  pause: 'a connection is paused, and nobody resumes it',
  descriptor: 'a descriptor that the program was given is still open',
};

/** The part of a loop that a watch needs. */
export interface LeakClock {
  currentTime(): number;
  scheduleDeadline(deadline: ScheduledDeadline, delayMs: number): void;
  cancelDeadline(deadline: ScheduledDeadline): void;
}

/** No more are followed at once, however many are held. */
const heldMax = 1_024;
/** The held are looked at that often in the time after which they are told of. */
const looksPerTime = 4;

/** Follows a part of what the program holds of one loop, and tells of what it holds for too long. */
export class LeakWatch extends DeadlineLinks implements Leaks, ScheduledDeadline {
  readonly origins = new PromiseOrigins();
  readonly #every: number;
  readonly #after: number;
  readonly #clock: LeakClock;
  readonly #loop: number;
  readonly #logger: Logger;
  readonly #held = new Set<Held>();
  readonly #paused = new WeakMap<Conn, Held>();
  #isWaiting = false;

  constructor(settings: LeakSettings, clock: LeakClock, loop: number, logger: Logger) {
    super();
    this.#every = settings.every;
    this.#after = settings.after;
    this.#clock = clock;
    this.#loop = loop;
    this.#logger = logger;
  }

  /** Whether the next thing is followed: at random, since programs do things in a pattern. */
  samples(): boolean {
    if (this.#held.size >= heldMax) return false;
    return this.#every === 1 || Math.random() * this.#every < 1;
  }

  /** From now until `release`, or until `activity` says that it is gone. */
  hold(
    kind: LeakKind,
    connection: Conn | undefined,
    details: object = {},
    activity: Activity | null = null,
    origin: Origin = captureOrigin(),
  ): Held {
    const seen = activity?.() ?? 0;
    const since = this.#clock.currentTime();
    const held: Held = { kind, connection, details, origin, activity, seen, since };
    this.#held.add(held);
    this.#wait();
    return held;
  }

  release(held: Held | null): void {
    if (held !== null) this.#held.delete(held);
  }

  retained(c: Conn, bytes: number): Held | null {
    return this.samples() ? this.hold('frame', c, { bytes }) : null;
  }

  dialled(c: MovingConn, origin: Origin): void {
    if (!this.samples()) return;
    const moved = (): number => (c.hasLeft ? -1 : c.bytesReceived + c.bytesSent);
    this.hold('connection', c, {}, moved, origin);
  }

  paused(c: MovingConn): void {
    if (this.#paused.has(c) || c.hasLeft || !this.samples()) return;
    const held = this.hold('pause', c, {}, () => (c.hasLeft ? -1 : 0));
    this.#paused.set(c, held);
  }

  resumed(c: Conn): void {
    this.release(this.#paused.get(c) ?? null);
    this.#paused.delete(c);
  }

  /** Gone when it is closed, or names something else. */
  gave(c: Conn, descriptor: number): number {
    if (descriptor < 0 || !this.samples()) return descriptor;
    const identity = identityOf(descriptor);
    const isThere = (): number => (identityOf(descriptor) === identity ? 0 : -1);
    this.hold('descriptor', c, { descriptor }, isThere);
    return descriptor;
  }

  #wait(): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    this.#clock.scheduleDeadline(this, Math.max(1, Math.ceil(this.#after / looksPerTime)));
  }

  deadlinePassed(): void {
    this.#isWaiting = false;
    const now = this.#clock.currentTime();
    const overdue: Held[] = [];
    for (const held of this.#held) {
      const seen = held.activity?.() ?? 0;
      if (seen === -1) this.#held.delete(held);
      else if (seen !== held.seen) {
        held.seen = seen;
        held.since = now;
      } else if (now - held.since >= this.#after) {
        // Told once; its place is for another.
        this.#held.delete(held);
        overdue.push(held);
      }
    }
    if (this.#held.size > 0) this.#wait();
    this.#tell(overdue, now);
  }

  /** One warning for all that come from one place. */
  #tell(overdue: readonly Held[], now: number): void {
    const places = new Map<string, { first: Held; stack: string | undefined; count: number }>();
    for (const held of overdue) {
      const stack = programFrames(held.origin);
      const key = `${held.kind} ${stack}`;
      const place = places.get(key) ?? { first: held, stack, count: 0 };
      place.count++;
      places.set(key, place);
    }
    for (const { first, stack, count } of places.values()) {
      const { kind, connection, details } = first;
      const heldMs = Math.round(now - first.since);
      const loop = this.#loop;
      if (channels.leakFound.hasSubscribers) {
        channels.leakFound.publish({ kind, connection, heldMs, count, loop, stack });
      }
      this.#logger.warn(`${messages[kind]} (leakDetection)`, {
        kind,
        heldMs,
        ...(count > 1 && { count }),
        loop,
        ...(connection !== undefined && { remote: connection.remoteAddr }),
        ...details,
        ...(stack !== undefined && { stack }),
      });
    }
  }

  /** The loop is over. */
  close(): void {
    if (this.#isWaiting) this.#clock.cancelDeadline(this);
    this.#isWaiting = false;
    this.#held.clear();
  }
}

/** '' for one that is closed. */
function identityOf(descriptor: number): string {
  try {
    const { dev, ino } = fstatSync(descriptor);
    return `${dev}:${ino}`;
  } catch {
    return '';
  }
}
