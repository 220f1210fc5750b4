/**
 * How much of its time a loop works: since it began, and lately. The loop writes a few numbers, and every
 * thread may read them: also while the loop sleeps, or is held up by a handler.
 */
import type { DriverCounters } from '../driver/contract.ts';
import type { LoopHost } from '../host/contract.ts';
import { type LoopClock, threadClock } from './time-of-threads.ts';

/** `utilization` is that of so long. */
const recentMs = 5_000;
/** Samples are taken so far apart; around a sleep of at least `longSleepMs` there are two. */
const sampleMs = 1_000;
const longSleepMs = 250;
/** As many as `recentMs` needs, and some: the reader never looks at the one that is overwritten. */
const samplesMax = 16;
/** A loop that never sleeps looks at the clock that often. */
const turnsPerLook = 16;

/** Indices of the numbers. */
const at = {
  /** Samples ever taken, plus one; 0 where no loop has been. */
  taken: 0,
  startedAt: 1,
  /**
   * While the loop works, the milliseconds that it has slept. While it sleeps, those less the time at
   * which it began to: below 0. One number, so that no thread reads half of a change.
   */
  slept: 2,
  /** Pairs: a time, and the milliseconds slept until then. */
  samples: 3,
} as const;

export const workingTimeNumbers: number = at.samples + 2 * samplesMax;

/** What the counters of a loop say about its time. */
export interface WorkShare {
  readonly activeMs: number;
  readonly idleMs: number;
  readonly utilization: number;
}

export type SleepCounters = Pick<DriverCounters, 'sleptMs' | 'sleepBegan' | 'sleepEnded'>;

/** Where other threads read the numbers. */
interface Readers {
  readonly workingTime: Float64Array;
}
/** What counts here of the host of a loop. */
type Host = Pick<LoopHost, 'mode' | 'now' | 'requestTurn'>;

export class WorkingTime {
  readonly #counters: SleepCounters;
  readonly #clock: LoopClock;
  /** Other code of the thread may run, and look, while the loop counts as asleep. */
  readonly #restsElsewhere: boolean;
  #isShared = false;
  #numbers: Float64Array = new Float64Array(workingTimeNumbers);
  #sampledAt: number;
  #mayRest = false;
  #ended = false;

  constructor(counters: SleepCounters, host: Host, readers?: Readers) {
    this.#counters = counters;
    const now = host.now?.bind(host);
    // Not 0: a loop that has slept since time 0 would seem awake.
    this.#clock = now === undefined ? threadClock : { now, origin: 1 };
    this.#restsElsewhere = host.requestTurn !== undefined && host.mode !== 'runtime';
    this.#sampledAt = this.#clock.now();
    this.#numbers[at.taken] = 1;
    this.#numbers[at.startedAt] = this.#sampledAt + this.#clock.origin;
    if (readers !== undefined) this.share(readers);
  }

  /** Other threads read the numbers from now on, there. */
  share({ workingTime }: Readers): void {
    this.#isShared = true;
    workingTime.set(this.#numbers);
    this.#numbers = workingTime;
  }

  /** After each turn: takes a sample now and then. The clock is looked at rarely: the driver does. */
  turned(turns: number): void {
    const { sleepEnded } = this.#counters;
    if (sleepEnded - this.#sampledAt >= sampleMs) this.#sampleSleep();
    else if (turns % turnsPerLook === 0 || sleepEnded === 0) this.#sampleAt(this.#clock.now());
  }

  /** The loop may sleep that long from now on, until `works`; returns the same. */
  mayRest(ms: number): number {
    if (ms !== 0 && !this.#mayRest && (this.#isShared || this.#restsElsewhere)) this.#rest();
    return ms;
  }

  #rest(): void {
    this.#mayRest = true;
    const now = this.#clock.now();
    this.#sampleAt(now);
    this.#numbers[at.slept] = this.#counters.sleptMs - (now + this.#clock.origin);
  }

  /** It does not sleep any more: what follows is work. */
  works(): void {
    if (!this.#mayRest) return;
    this.#mayRest = false;
    this.#numbers[at.slept] = this.#counters.sleptMs;
    if (this.#counters.sleepEnded - this.#sampledAt >= sampleMs) this.#sampleSleep();
  }

  /** Nothing is done any more, whatever else the thread does. */
  end(): void {
    this.works();
    this.#rest();
    this.#ended = true;
  }

  /** For its own thread. */
  read(): WorkShare {
    // The thread runs, so the loop is awake; unless it counts its sleep when that is over.
    if (!this.#ended && !(this.#restsElsewhere && this.#mayRest)) {
      this.#mayRest = false;
      this.#numbers[at.slept] = this.#counters.sleptMs;
    }
    return workShareIn(this.#numbers, this.#clock.now() + this.#clock.origin);
  }

  #sampleSleep(): void {
    const { sleptMs, sleepBegan, sleepEnded } = this.#counters;
    const sleepMs = sleepEnded - sleepBegan;
    if (sleepMs >= longSleepMs) this.#sample(sleepBegan, sleptMs - sleepMs);
    this.#sample(sleepEnded, sleptMs);
  }

  #sampleAt(now: number): void {
    if (now - this.#sampledAt >= sampleMs) this.#sample(now, this.#counters.sleptMs);
  }

  #sample(time: number, sleptMs: number): void {
    // What began before the last sample is part of it.
    if (time <= this.#sampledAt) return;
    this.#sampledAt = time;
    const numbers = this.#numbers;
    const taken = numbers[at.taken] as number;
    const pair = at.samples + 2 * ((taken - 1) % samplesMax);
    numbers[pair] = time + this.#clock.origin;
    numbers[pair + 1] = sleptMs;
    numbers[at.taken] = taken + 1;
  }
}

/** @param now on the clock that threads share */
export function workShareIn(numbers: Float64Array, now: number): WorkShare {
  const taken = numbers[at.taken] as number;
  if (taken === 0) return { activeMs: 0, idleMs: 0, utilization: 0 };
  const startedAt = numbers[at.startedAt] as number;
  const livedMs = Math.max(0, now - startedAt);
  const slept = numbers[at.slept] as number;
  const idleMs = Math.min(livedMs, slept < 0 ? Math.max(0, now + slept) : slept);
  const from = Math.max(startedAt, now - recentMs);
  const last: Sample = { time: now, slept: idleMs };
  const recentlyIdle =
    idleMs - sleptUntil(numbers, from, slept < 0 ? asleep(numbers, last) : [last]);
  const share = now > from ? 1 - recentlyIdle / (now - from) : 0;
  return { activeMs: livedMs - idleMs, idleMs, utilization: Math.max(0, Math.min(1, share)) };
}

interface Sample {
  readonly time: number;
  readonly slept: number;
}

/**
 * What is known of a loop that sleeps: it began to within `sampleMs` of its last sample, or it would have
 * taken another one.
 */
function asleep(numbers: Float64Array, last: Sample): readonly Sample[] {
  const time = sampleOf(numbers, (numbers[at.taken] as number) - 2).time + sampleMs;
  return time < last.time ? [{ time, slept: last.slept - (last.time - time) }, last] : [last];
}

/** By the order in which they were taken; the one before them all is the start. */
function sampleOf(numbers: Float64Array, index: number): Sample {
  if (index < 0) return { time: numbers[at.startedAt] as number, slept: 0 };
  const pair = at.samples + 2 * (index % samplesMax);
  return { time: numbers[pair] as number, slept: numbers[pair + 1] as number };
}

/**
 * What the loop had slept at that time, between the two samples around it.
 * @param behind later ones than those that were taken, in order
 */
function sleptUntil(numbers: Float64Array, time: number, behind: readonly Sample[]): number {
  let after = behind.at(-1) as Sample;
  const [first] = behind as [Sample];
  if (first.time <= time) return between(first, after, time);
  after = first;
  const taken = (numbers[at.taken] as number) - 1;
  for (let index = taken - 1; index >= Math.max(0, taken - samplesMax); index--) {
    const sample = sampleOf(numbers, index);
    if (sample.time <= time) return between(sample, after, time);
    after = sample;
  }
  return between(sampleOf(numbers, -1), after, time);
}

function between(before: Sample, after: Sample, time: number): number {
  if (after.time <= before.time) return after.slept;
  const part = (time - before.time) / (after.time - before.time);
  return before.slept + part * (after.slept - before.slept);
}
