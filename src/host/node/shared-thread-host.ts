import { assert } from '../../base/assert.ts';
import type { HostedLoop, LoopHost } from '../contract.ts';
import { hostMode, runtimeEventLoop } from './libuv.ts';

/** Read once: as properties of the global object they are looked up anew, and in Node by a getter. */
const { setImmediate } = globalThis;

/** With one loop, another wait follows at once after a wait with this many events. */
const batchEventsMin = 2;
/** The runtime has its turn, and promises drain, after at most this many waits and events. */
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
 *  5. what became ready is handled, then what handlers put off, such as writes to other connections;
 *     under load 4 and 5 are repeated a few times without sleeping; then the runtime has its turn:
 *     timers, promises, messages.
 *
 * Rejected: uv_poll or uv_async handles of our own, and foreign callbacks. A handle that is open when
 * a worker ends, or a callback running at that time, aborts the process.
 */
class SharedThreadHost implements LoopHost {
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
    if (first === undefined) {
      this.#becomeSleeper(loop);
      this.#keepAlive = setInterval(() => {}, 2 ** 31 - 1);
      this.#immediate = setImmediate(this.#turn);
    } else {
      first.watch(loop.pollableDescriptor);
    }
    // Only now: what could not be watched has no turns, and nothing to detach.
    this.#loops = [...this.#loops, loop];
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
    const ran = runAllDue(loops);
    // A loop that detached itself, or the last one, changed the list: the next turn sees to it.
    if (loops !== this.#loops) return;
    if (loops.length === 1) this.#runAlone(loops[0] as HostedLoop, ran);
    else this.#runTogether(loops, ran);
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
    // What handlers put off, such as a message to many, does not wait until the runtime had its turn.
    if (loop.hasPutOff && !loop.hasPromises) loop.runDue();
    this.#busy = total >= batchEventsMin;
  }

  /**
   * The same for several loops, such as those of a proxy, whose connections write to each other: each
   * round is a wait of every loop, then what was written meanwhile leaves.
   */
  #runTogether(loops: readonly HostedLoop[], ran: boolean): void {
    let timeoutMs = ran || this.#busy ? 0 : this.#sleepMs();
    // The first loop sees readiness of another one as an event of its own.
    const roundEventsMin = loops.length + 1;
    let total = 0;
    let rounds = 0;
    let events: number;
    let promises: boolean;
    do {
      events = 0;
      for (let index = 0; index < loops.length; index++) {
        events +=
          timeoutMs === 0 ? (loops[index] as HostedLoop).wait(0) : sleepFor(loops, timeoutMs);
        timeoutMs = 0;
        if (loops !== this.#loops) return;
      }
      total += events;
      rounds++;
      promises = anyHasPromises(loops);
      if (events > 0) runAllDue(loops);
      if (loops !== this.#loops) return;
    } while (
      events >= roundEventsMin &&
      total < turnEventsMax &&
      rounds < turnWaitsMax &&
      !promises
    );
    this.#busy = total >= roundEventsMin;
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

/** True when any did something. */
function runAllDue(loops: readonly HostedLoop[]): boolean {
  let ran = false;
  for (let index = 0; index < loops.length; index++) {
    if ((loops[index] as HostedLoop).runDue()) ran = true;
  }
  return ran;
}

/** The first one waits; the others have slept as long. */
function sleepFor(loops: readonly HostedLoop[], timeoutMs: number): number {
  const sleeper = loops[0] as HostedLoop;
  const before = sleeper.sleptMs;
  const events = sleeper.wait(timeoutMs);
  const ms = sleeper.sleptMs - before;
  for (let index = 1; index < loops.length; index++) (loops[index] as HostedLoop).slept(ms);
  return events;
}

function anyHasPromises(loops: readonly HostedLoop[]): boolean {
  for (let index = 0; index < loops.length; index++) {
    if ((loops[index] as HostedLoop).hasPromises) return true;
  }
  return false;
}

/** The host loop of this thread. */
export const sharedThreadHost: LoopHost = new SharedThreadHost();
