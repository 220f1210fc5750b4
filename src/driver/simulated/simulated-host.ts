import { assert } from '../../base/assert.ts';
import type { HostedLoop, LoopHost } from '../../host/contract.ts';
import type { SimulatedClock } from './faults.ts';

/** The runtime's own, also while a test has others in their place. */
const { setImmediate: soon } = globalThis;

/** So often nothing has happened: it has come to rest. Promises drain in between. */
const quietTurnsMin = 3;
/** A simulation that does not come to rest in so many turns never will. */
const turnsMax = 200_000;

/** Other timers that go by the clock of the simulation: those of `node:test`, for example. */
export interface SteppedTimers {
  /** So many milliseconds have passed. */
  tick(milliseconds: number): void;
}

/** What moves between the turns of the loops. */
export interface SimulatedSurroundings {
  readonly clock: SimulatedClock;
  readonly timers: SteppedTimers | undefined;
  /** Moves what no loop moves. */
  step(): void;
  /** Something will happen without anybody's doing. */
  isMoving(): boolean;
}

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * Gives the loops of a simulation their turns: as long as anything happens, and not a moment longer.
 * Time stands still meanwhile; `advance` lets it pass, from one deadline to the next.
 */
export class SimulatedHost implements LoopHost {
  readonly mode = 'simulated';
  readonly #around: SimulatedSurroundings;
  #loops: readonly HostedLoop[] = [];
  #isScheduled = false;
  #isRunning = false;
  #again = false;
  #quietTurns = 0;
  #turns = 0;
  /** Calls of `advance` that have not returned. */
  #advances = 0;
  #whenQuiet: Waiter[] = [];
  #whenSettled: Waiter[] = [];
  /** After each turn: something may have changed. */
  onTurn: (() => void) | null = null;
  /** Nothing will happen any more, unless somebody does something. */
  onRest: (() => void) | null = null;

  constructor(around: SimulatedSurroundings) {
    this.#around = around;
  }

  now(): number {
    return this.#around.clock.now;
  }

  attach(loop: HostedLoop): void {
    assert(!this.#loops.includes(loop), 'a loop is attached once');
    this.#loops = [...this.#loops, loop];
    this.requestTurn();
  }

  detach(loop: HostedLoop): void {
    this.#loops = this.#loops.filter((other) => other !== loop);
    this.requestTurn();
  }

  requestTurn(): void {
    this.#quietTurns = 0;
    if (this.#isRunning) this.#again = true;
    else this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    soon(this.#turn);
  }

  readonly #turn = (): void => {
    this.#isScheduled = false;
    this.#isRunning = true;
    this.#again = false;
    const happened = this.#runLoops();
    this.#isRunning = false;
    this.onTurn?.();
    if (happened || this.#again || this.#isDue || this.#around.isMoving()) this.#quietTurns = 0;
    else this.#quietTurns++;
    if (++this.#turns > turnsMax) this.#giveUp();
    else if (this.#quietTurns < quietTurnsMin) this.#schedule();
    else this.#cameToRest();
  };

  #runLoops(): boolean {
    const loops = this.#loops;
    let happened = false;
    for (const loop of loops) if (this.#loops.includes(loop) && loop.runDue()) happened = true;
    for (const loop of loops) if (this.#loops.includes(loop) && loop.wait(0) > 0) happened = true;
    if (loops.length === 0) this.#around.step();
    return happened;
  }

  get #isDue(): boolean {
    return this.#loops.some((loop) => loop.timeUntilDeadline() === 0);
  }

  get #hasPromises(): boolean {
    return this.#loops.some((loop) => loop.hasPromises);
  }

  #cameToRest(): void {
    this.#turns = 0;
    for (const { resolve } of this.#whenQuiet.splice(0)) resolve();
    // A handler that answers later asks for a turn then; time that passes is somebody's doing.
    if (this.#hasPromises || this.#advances > 0) return;
    for (const { resolve } of this.#whenSettled.splice(0)) resolve();
    this.onRest?.();
  }

  #giveUp(): void {
    this.#turns = 0;
    const error = new Error(
      `the simulation has not come to rest in ${turnsMax} turns: two sides may answer each other for ever`,
    );
    const waiters = [...this.#whenQuiet.splice(0), ...this.#whenSettled.splice(0)];
    for (const { reject } of waiters) reject(error);
    this.onRest?.();
  }

  /** Resolves when nothing is under way and no handler is at work any more. */
  settled(): Promise<void> {
    return this.#rest(this.#whenSettled);
  }

  #rest(waiters: Waiter[]): Promise<void> {
    return new Promise((resolve, reject) => {
      waiters.push({ resolve, reject });
      this.requestTurn();
    });
  }

  /** Lets time pass; what is due happens on the way, at its time. */
  async advance(milliseconds: number): Promise<void> {
    const { clock, timers } = this.#around;
    this.#advances++;
    try {
      const until = clock.now + milliseconds;
      const stepMax = timers === undefined ? milliseconds : Math.ceil(milliseconds / 256);
      await this.#rest(this.#whenQuiet);
      while (clock.now < until) {
        const step = Math.min(this.#untilDeadline(), stepMax, until - clock.now);
        clock.advance(step);
        timers?.tick(step);
        // Work takes no time here.
        for (const loop of this.#loops) loop.slept(step);
        await this.#rest(this.#whenQuiet);
      }
    } finally {
      this.#advances--;
      this.requestTurn();
    }
  }

  /** At least 1. */
  #untilDeadline(): number {
    let soonest = Number.POSITIVE_INFINITY;
    for (const loop of this.#loops) {
      const ours = loop.timeUntilDeadline();
      if (ours >= 0 && ours < soonest) soonest = ours;
    }
    return Math.max(1, soonest);
  }
}
