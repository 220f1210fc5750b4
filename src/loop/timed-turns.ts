import type { Histogram } from '../base/histogram.ts';
import type { LoopHistograms } from '../connection/loop-histograms.ts';
import type { DriverCounters } from '../driver/contract.ts';
import type { HostedLoop, LoopHost } from '../host/contract.ts';

interface CountingLoop extends HostedLoop {
  readonly driver: { readonly counters: DriverCounters };
}

/** What the host of a loop is given: the loop itself, unless somebody wants to know its times. */
export function hostedLoop(
  loop: CountingLoop,
  host: LoopHost,
  histograms: LoopHistograms | null,
): HostedLoop {
  // There events come when the runtime likes, and what it calls a turn has none.
  if (histograms === null || host.mode === 'runtime') return loop;
  return new TimedTurns(loop, loop.driver.counters, histograms.turns);
}

/** Stands between a loop and its host, and takes the time of each turn that has anything to do. */
class TimedTurns implements HostedLoop {
  readonly #loop: HostedLoop;
  readonly #counters: DriverCounters;
  readonly #turns: Histogram;
  #workedMs = 0;
  #did = false;

  constructor(loop: HostedLoop, counters: DriverCounters, turns: Histogram) {
    this.#loop = loop;
    this.#counters = counters;
    this.#turns = turns;
  }

  runDue(): boolean {
    const began = performance.now();
    const did = this.#loop.runDue();
    this.#workedMs += performance.now() - began;
    if (did) this.#did = true;
    return did;
  }

  /** The end of a turn. */
  wait(timeoutMs: number): number {
    const sleptBefore = this.#counters.sleptMs;
    const began = performance.now();
    const events = this.#loop.wait(timeoutMs);
    this.#workedMs += performance.now() - began - (this.#counters.sleptMs - sleptBefore);
    if (this.#did || events > 0) this.#turns.record(this.#workedMs);
    this.#workedMs = 0;
    this.#did = false;
    return events;
  }

  /** A sleep may follow: what was done behind the last wait is told before. */
  timeUntilDeadline(): number {
    if (this.#did) {
      this.#turns.record(this.#workedMs);
      this.#workedMs = 0;
      this.#did = false;
    }
    return this.#loop.timeUntilDeadline();
  }
  get sleptMs(): number {
    return this.#counters.sleptMs;
  }
  slept(ms: number): void {
    this.#loop.slept(ms);
  }
  get hasPutOff(): boolean {
    return this.#loop.hasPutOff;
  }
  get hasPromises(): boolean {
    return this.#loop.hasPromises;
  }
  watch(descriptor: number): void {
    this.#loop.watch(descriptor);
  }
  unwatch(descriptor: number): void {
    this.#loop.unwatch(descriptor);
  }
  get pollableDescriptor(): number {
    return this.#loop.pollableDescriptor;
  }
}
