import { assert } from '../base/assert.ts';
import type { HostedLoop, LoopHost } from './contract.ts';
import { hostMode, runtimeEventLoop } from './runtime-event-loop.ts';

/** From so many events per wait on, another wait follows at once. */
const batchEventsMin = 2;
/** The runtime has its turn, and promises drain, after at most so many waits and events. */
const turnWaitsMax = 8;
const turnEventsMax = 256;

/**
 * Shares this thread between our loops and the runtime's. One turn is one `setImmediate` callback:
 *
 *  1. the next turn is scheduled, so that the runtime does not sleep in its own poll;
 *  2. every loop does what is due; promises made there drain after the turn;
 *  3. if nothing ran, the runtime is asked how long it could sleep, bounded by our deadlines;
 *  4. the loops ask the kernel: the first one sleeps that long, with the runtime's descriptor and
 *     those of the other loops in its set, so that any of them wakes the thread;
 *  5. what became ready is handled; under load 4 and 5 are repeated a few times without sleeping;
 *     then the runtime has its turn: timers, promises, messages.
 *
 * Rejected: uv_poll or uv_async handles of our own, and foreign callbacks. A handle that is open when
 * a worker ends, or a callback running at that time, aborts the process.
 */
class HostLoop implements LoopHost {
  #loops: HostedLoop[] = [];
  #immediate: NodeJS.Immediate | null = null;
  #keepAlive: NodeJS.Timeout | null = null;
  /** The last turn had its hands full: this one need not ask how long it may sleep. */
  #busy = false;

  get mode(): string {
    return hostMode;
  }

  attach(loop: HostedLoop): void {
    assert(!this.#loops.includes(loop), 'a loop is attached once');
    const first = this.#loops[0];
    this.#loops = [...this.#loops, loop];
    if (first === undefined) {
      this.#becomeSleeper(loop);
      this.#keepAlive = setInterval(() => {}, 2 ** 31 - 1);
      this.#immediate = setImmediate(this.#turn);
    } else {
      first.watch(loop.pollableDescriptor);
    }
  }

  detach(loop: HostedLoop): void {
    const index = this.#loops.indexOf(loop);
    if (index === -1) return;
    const first = this.#loops[0] as HostedLoop;
    this.#loops = this.#loops.filter((other) => other !== loop);
    if (loop !== first) {
      first.unwatch(loop.pollableDescriptor);
      return;
    }
    this.#resignSleeper(loop);
    const next = this.#loops[0];
    if (next !== undefined) this.#becomeSleeper(next);
    else this.#stop();
  }

  #becomeSleeper(loop: HostedLoop): void {
    if (runtimeEventLoop.descriptor >= 0) loop.watch(runtimeEventLoop.descriptor);
    for (const other of this.#loops) if (other !== loop) loop.watch(other.pollableDescriptor);
  }

  #resignSleeper(loop: HostedLoop): void {
    if (runtimeEventLoop.descriptor >= 0) loop.unwatch(runtimeEventLoop.descriptor);
    for (const other of this.#loops) loop.unwatch(other.pollableDescriptor);
  }

  #stop(): void {
    if (this.#immediate !== null) clearImmediate(this.#immediate);
    if (this.#keepAlive !== null) clearInterval(this.#keepAlive);
    this.#immediate = null;
    this.#keepAlive = null;
  }

  readonly #turn = (): void => {
    this.#immediate = setImmediate(this.#turn);
    const loops = this.#loops;
    let ran = false;
    for (let index = 0; index < loops.length; index++) {
      if ((loops[index] as HostedLoop).runDue()) ran = true;
    }
    // A loop that detached itself, or the last one, changed the list: the next turn sees to it.
    if (loops !== this.#loops) return;
    if (loops.length === 1) {
      this.#runAlone(loops[0] as HostedLoop, ran);
      return;
    }
    (loops[0] as HostedLoop).wait(ran ? 0 : this.#sleepMs());
    for (let index = 1; index < loops.length && loops === this.#loops; index++) {
      (loops[index] as HostedLoop).wait(0);
    }
  };

  /** The usual case. Under load, several waits share the cost of the runtime's turn. */
  #runAlone(loop: HostedLoop, ran: boolean): void {
    let events = loop.wait(ran || this.#busy ? 0 : this.#sleepMs());
    let total = events;
    let waits = 1;
    while (
      events >= batchEventsMin &&
      total < turnEventsMax &&
      waits < turnWaitsMax &&
      !loop.hasPromises
    ) {
      loop.runDue();
      events = loop.wait(0);
      total += events;
      waits++;
    }
    this.#busy = total >= batchEventsMin;
  }

  /** How long the thread may sleep now. */
  #sleepMs(): number {
    const immediate = this.#immediate as NodeJS.Immediate;
    immediate.unref();
    let timeoutMs = runtimeEventLoop.timeoutMs();
    immediate.ref();
    const loops = this.#loops;
    for (let index = 0; index < loops.length && timeoutMs !== 0; index++) {
      const ours = (loops[index] as HostedLoop).timeUntilDeadline();
      if (ours >= 0 && (timeoutMs < 0 || ours < timeoutMs)) timeoutMs = ours;
    }
    return timeoutMs;
  }
}

/** The host loop of this thread. */
export const hostLoop: LoopHost = new HostLoop();
