/**
 * Makes a run of the tests late, so that it shows which of them pass by luck alone. To be imported before
 * everything else, in every thread, as `npm test -- --late-loops 7 --hold-ups 7` does:
 *
 *     GNET_LATE_LOOPS=7    now and then a loop has no turn for up to 40 ms, while the rest of its thread goes
 *                          on: what a test has not waited for has not happened yet
 *     GNET_HOLD_UPS=7      now and then a thread stands still for up to 400 ms, as on a busy machine
 *
 * The numbers are seeds. The hosts, which give loops their turns, are the seam, as calls are in
 * `failing-calls.ts`; nothing in `src/` knows of it.
 */
import { threadId } from 'node:worker_threads';
import type { HostedLoop, LoopHost } from '../src/host/contract.ts';
import { LoopInFront } from '../src/host/loop-in-front.ts';
import { Random } from '../src/driver/simulated/random.ts';

const lateMsMax = 40;
/** Of a turn to be late; but for a while behind one that was, none is: what takes many comes to its end. */
const lateTurnChance = 1 / 6;
const onTimeShare = 2;
/** Between two looks at the clock while a loop is late. */
const restMs = 0.5;

/** Until a thread is held up, at most, and for how long. */
const freeMsMax = 2_500;
const holdUpMsMax = 400;

const nobody = new Int32Array(new SharedArrayBuffer(4));
const rest = (ms: number): void => void Atomics.wait(nobody, 0, 0, ms);

/** Of all loops of a thread: among many, each by itself, one would be late at any time. */
class Lateness {
  readonly #random: Random;
  #until = 0;
  #onTimeUntil = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  get isOn(): boolean {
    return performance.now() < this.#until;
  }

  /** A turn begins. */
  mayBegin(): void {
    const now = performance.now();
    if (now < this.#onTimeUntil || !this.#random.chance(lateTurnChance)) return;
    const lateMs = this.#random.between(1, lateMsMax);
    this.#until = now + lateMs;
    this.#onTimeUntil = now + (1 + onTimeShare) * lateMs;
  }
}

class LateLoop extends LoopInFront {
  readonly #lateness: Lateness;
  /** Where turns are given on demand: another one is wanted, since this one did nothing. */
  readonly #requestTurn: () => void;

  constructor(loop: HostedLoop, lateness: Lateness, requestTurn: () => void) {
    super(loop);
    this.#lateness = lateness;
    this.#requestTurn = requestTurn;
  }

  override runDue(): boolean {
    this.#lateness.mayBegin();
    return this.#lateness.isOn || this.loop.runDue();
  }

  override wait(timeoutMs: number): number {
    if (!this.#lateness.isOn) return this.loop.wait(timeoutMs);
    rest(restMs);
    this.#requestTurn();
    return 0;
  }

  override timeUntilDeadline(): number {
    return this.#lateness.isOn ? 0 : this.loop.timeUntilDeadline();
  }
  override get hasPutOff(): boolean {
    return !this.#lateness.isOn && this.loop.hasPutOff;
  }
}

function makeLate(host: LoopHost, random: Random): void {
  const late = new Map<HostedLoop, HostedLoop>();
  const lateness = new Lateness(random);
  const attach = host.attach.bind(host);
  const detach = host.detach.bind(host);
  host.attach = (loop) => {
    const lateLoop = new LateLoop(loop, lateness, () => host.requestTurn?.());
    attach(lateLoop);
    late.set(loop, lateLoop);
  };
  host.detach = (loop) => {
    const lateLoop = late.get(loop);
    if (lateLoop === undefined) return;
    late.delete(loop);
    detach(lateLoop);
  };
}

function holdUp(random: Random): void {
  const next = (): void => {
    rest(random.below(holdUpMsMax));
    holdUp(random);
  };
  setTimeout(next, random.below(freeMsMax)).unref();
}

/** Another one for each thread of each process. */
function randomOf(variable: string): Random | undefined {
  const seed = Number(process.env[variable] ?? 0);
  return seed === 0 ? undefined : new Random(seed * 1_000_003 + process.pid * 101 + threadId);
}

const heldUp = randomOf('GNET_HOLD_UPS');
if (heldUp !== undefined) holdUp(heldUp);

const late = randomOf('GNET_LATE_LOOPS');
if (late !== undefined) {
  const { runtimeDrivenHost, sharedThreadHost } = await import('../src/host/index.ts');
  makeLate(await runtimeDrivenHost(), late);
  try {
    const { foreignInterface } = await import('../src/ffi/index.ts');
    makeLate(await sharedThreadHost(foreignInterface.name), late);
  } catch {
    // Without an FFI there is no such host.
  }
}
