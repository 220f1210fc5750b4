/** An event loop of ours that wants to run on this thread. */
export interface HostedLoop {
  /**
   * Does what is due without asking the kernel: tasks, deadlines. True when anything ran or is queued:
   * promises made there must drain before the thread may sleep.
   */
  runDue(): boolean;
  /** Milliseconds until its next deadline, 0 for now, -1 for none. */
  timeUntilDeadline(): number;
  /**
   * Asks the kernel, sleeping at most that long (-1: no limit), and handles what is ready; returns how
   * many events there were.
   */
  wait(timeoutMs: number): number;
  /** Milliseconds that the thread has slept, in `wait` and as `slept` told. */
  readonly sleptMs: number;
  /** The thread slept so long elsewhere than in `wait`, while the loop had nothing to do. */
  slept(ms: number): void;
  /** Something waits for `runDue` that an event has put off. */
  readonly hasPutOff: boolean;
  /** Handlers answer with promises: their continuations must not wait for more than one `wait`. */
  readonly hasPromises: boolean;
  /** Makes readiness of a descriptor end `wait`. */
  watch(descriptor: number): void;
  unwatch(descriptor: number): void;
  /** Readable when `wait(0)` would find something. */
  readonly pollableDescriptor: number;
}

/** Who gives a loop its turns. */
export interface LoopHost {
  /** For `server.stats().host`. */
  readonly mode: string;
  attach(loop: HostedLoop): void;
  /** The time of its loops in milliseconds, where that is not `performance.now()`. */
  now?(): number;
  /**
   * Only in hosts that give turns on demand: something waits to be done, or a deadline came nearer.
   * May be called at any time.
   */
  requestTurn?(): void;
  /** Before the loop closes its descriptors. May be called from inside its own events. */
  detach(loop: HostedLoop): void;
}
