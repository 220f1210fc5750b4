import { assert } from '../base/assert.ts';
import type { HostedLoop, LoopHost } from './contract.ts';
import { Sleeper } from './sleeper.ts';

/** The longest delay that a timer takes. */
const timerMsMax = 2 ** 31 - 1;

/** Another wait follows at once after a wait with this many events. */
const batchEventsMin = 2;
/** The runtime has its turn, and promises drain, after at most this many waits and events. */
const turnWaitsMax = 8;
const turnEventsMax = 256;
/** A turn with this many events counts as a long one. */
const longTurnEvents = 64;

/** Without a helper thread, no sleep is longer than this: the runtime's events come that late. */
const blindSleepMs = 1;

export interface ParkingRuntime {
  /** JavaScript that defines `wait(descriptor, ms)` and `close(descriptor)` in a helper thread. */
  readonly sleeperCalls: string;
  /** Turns that the runtime wants for its own I/O after a long one of ours. */
  readonly turnsAfterLong: number;
}

/**
 * For drivers that ask the kernel, on a runtime whose own loop cannot be asked how long it could sleep:
 * while there is work, turns follow one another as `setImmediate` callbacks and never sleep. With
 * nothing to do the loops are parked: the thread belongs to the runtime, and a helper thread sleeps on
 * their descriptors and has them woken. Where no helper can be had, short sleeps take its place.
 */
export class ParkedHost implements LoopHost {
  readonly #runtime: ParkingRuntime;
  #loops: readonly HostedLoop[] = [];
  #sleeper: Sleeper | null = null;
  #immediate: NodeJS.Immediate | null = null;
  #timer: NodeJS.Timeout | null = null;
  #keepAlive: NodeJS.Timeout | null = null;
  #running = false;
  /** Asked for from inside a turn. */
  #again = false;
  /** Turns of ours that are the runtime's now. */
  #turnsLeftOut = 0;
  /** When the loops were parked, or -1; and which ones: another one may come meanwhile. */
  #parkedSince = -1;
  #parked: readonly HostedLoop[] = [];
  /** There is nothing to do and no helper thread to sleep: the next turn sleeps a little. */
  #sleepsHere = false;

  constructor(runtime: ParkingRuntime) {
    this.#runtime = runtime;
  }

  get mode(): string {
    return this.#sleeper?.isGone ? 'turns' : 'parked';
  }

  attach(loop: HostedLoop): void {
    assert(!this.#loops.includes(loop), 'a loop is attached once');
    this.#sleeper ??= new Sleeper(this.#runtime.sleeperCalls, this.#woken);
    this.#sleeper.add(loop.pollableDescriptor);
    // Only now: what could not be watched has no turns, and nothing to detach.
    this.#loops = [...this.#loops, loop];
    this.#keepAlive ??= setInterval(() => {}, timerMsMax);
    this.requestTurn();
  }

  detach(loop: HostedLoop): void {
    if (!this.#loops.includes(loop)) return;
    this.#sleeper?.remove(loop.pollableDescriptor);
    const others = (other: HostedLoop): boolean => other !== loop;
    this.#loops = this.#loops.filter(others);
    this.#parked = this.#parked.filter(others);
    if (this.#loops.length > 0) return;
    if (this.#immediate !== null) clearImmediate(this.#immediate);
    if (this.#keepAlive !== null) clearInterval(this.#keepAlive);
    this.#immediate = null;
    this.#keepAlive = null;
    this.#clearTimer();
  }

  requestTurn(): void {
    this.#sleepsHere = false;
    if (this.#running) this.#again = true;
    else this.#schedule();
  }

  #schedule(): void {
    if (this.#immediate !== null || this.#loops.length === 0) return;
    this.#immediate = setImmediate(this.#turn);
  }

  readonly #woken = (): void => {
    // A turn that is scheduled will see to it.
    if (this.#immediate === null && !this.#running && this.#loops.length > 0) this.#turn();
  };

  readonly #turn = (): void => {
    this.#immediate = null;
    if (this.#turnsLeftOut > 0) {
      this.#turnsLeftOut--;
      this.#schedule();
      return;
    }
    this.#again = false;
    this.#running = true;
    if (this.#parkedSince >= 0) this.#unpark();
    const { events, ran } = this.#rounds();
    this.#running = false;
    if (this.#loops.length === 0) return;
    if (events >= longTurnEvents) this.#turnsLeftOut = this.#runtime.turnsAfterLong - 1;
    if (ran || events > 0 || this.#again) this.#schedule();
    else this.#park();
  };

  /** Does what is due, and under load repeats it a few times. */
  #rounds(): { readonly events: number; readonly ran: boolean } {
    const loops = this.#loops;
    let total = 0;
    let ran = false;
    for (let waits = 0; waits < turnWaitsMax && total < turnEventsMax; waits++) {
      let events = 0;
      for (const loop of loops) {
        if (loop.runDue()) ran = true;
        if (loops !== this.#loops) return { events: total, ran: true };
      }
      for (const loop of loops) {
        events += loop.wait(this.#sleepsHere && !ran ? blindSleepMs : 0);
        this.#sleepsHere = false;
        if (loops !== this.#loops) return { events: total + events, ran: true };
      }
      total += events;
      if (events < batchEventsMin || loops.some((loop) => loop.hasPromises)) break;
    }
    return { events: total, ran };
  }

  /**
   * There is nothing to do until a descriptor is readable, a deadline passes, or a turn is
   * requested.
   */
  #park(): void {
    let delayMs = -1;
    for (const loop of this.#loops) {
      const ours = loop.timeUntilDeadline();
      if (ours >= 0 && (delayMs < 0 || ours < delayMs)) delayMs = ours;
    }
    this.#clearTimer();
    const sleeper = this.#sleeper as Sleeper;
    if (delayMs === 0 || sleeper.isGone) {
      this.#sleepsHere = delayMs !== 0;
      this.#schedule();
      return;
    }
    if (delayMs > 0) this.#timer = setTimeout(this.#timeIsUp, Math.min(delayMs, timerMsMax));
    sleeper.listen();
    for (const loop of this.#loops) sleeper.arm(loop.pollableDescriptor);
    this.#parkedSince = performance.now();
    this.#parked = this.#loops;
  }

  #unpark(): void {
    const ms = performance.now() - this.#parkedSince;
    this.#parkedSince = -1;
    for (const loop of this.#parked) loop.slept(ms);
  }

  readonly #timeIsUp = (): void => {
    this.#timer = null;
    this.requestTurn();
  };

  #clearTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
