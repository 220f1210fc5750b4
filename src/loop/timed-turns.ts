import type { Histogram } from '../base/histogram.ts';
import type { LoopHistograms } from '../connection/loop-histograms.ts';
import type { HostedLoop, LoopHost } from '../host/contract.ts';
import { LoopInFront } from '../host/loop-in-front.ts';

/** What the host of a loop is given: the loop itself, unless somebody wants to know its times. */
export function hostedLoop(
  loop: HostedLoop,
  host: LoopHost,
  histograms: LoopHistograms | null,
): HostedLoop {
  // There events come when the runtime likes, and what it calls a turn has none.
  if (histograms === null || host.mode === 'runtime') return loop;
  return new TimedTurns(loop, histograms.turns);
}

/** Takes the time of each turn that has anything to do. */
class TimedTurns extends LoopInFront {
  readonly #turns: Histogram;
  #workedMs = 0;
  #did = false;

  constructor(loop: HostedLoop, turns: Histogram) {
    super(loop);
    this.#turns = turns;
  }

  override runDue(): boolean {
    const began = performance.now();
    const did = this.loop.runDue();
    this.#workedMs += performance.now() - began;
    if (did) this.#did = true;
    return did;
  }

  /** The end of a turn. */
  override wait(timeoutMs: number): number {
    const sleptBefore = this.loop.sleptMs;
    const began = performance.now();
    const events = this.loop.wait(timeoutMs);
    this.#workedMs += performance.now() - began - (this.loop.sleptMs - sleptBefore);
    if (events > 0) this.#did = true;
    this.#endTurn();
    return events;
  }

  /** A sleep may follow: what was done behind the last wait is told before. */
  override timeUntilDeadline(): number {
    if (this.#did) this.#endTurn();
    return this.loop.timeUntilDeadline();
  }

  #endTurn(): void {
    if (this.#did) this.#turns.record(this.#workedMs);
    this.#workedMs = 0;
    this.#did = false;
  }
}
