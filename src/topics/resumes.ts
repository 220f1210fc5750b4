/** Those that get what was stored before. What comes meanwhile waits behind it. */
import type { Backplane, Delivered } from './backplane.ts';
import { drop, give, isGone, type Message, type Subscriber, whenTaken } from './subscriber.ts';
import { matches } from './topic-tree.ts';

/** What may wait for one subscriber. With more it takes less than comes, and is to begin again later. */
const waitingMessagesMax = 10_000;
const waitingBytesMax = 16 * 1024 * 1024;

/** Of one filter. */
interface Run {
  readonly filter: string;
  /** When everything up to now was taken; false if no more is wanted. */
  taken: Promise<boolean>;
  /** What `encode` or the codec of the subscriber has thrown. */
  failure: { readonly error: unknown } | null;
  done: Promise<void>;
}

interface Resuming {
  readonly runs: Map<string, Run>;
  readonly later: Message[];
  /** What waits, in `later` and to be given before it. */
  messages: number;
  bytes: number;
  /** One at a time, so that all of it waits for a slow subscriber. */
  isPouring: boolean;
}

export interface ResumesUser {
  readonly backplane: Backplane | undefined;
  messageOf(delivered: Delivered): Message;
  onError(error: unknown): void;
}

export class Resumes {
  readonly #user: ResumesUser;
  readonly #resuming = new Map<Subscriber, Resuming>();

  constructor(user: ResumesUser) {
    this.#user = user;
  }

  /** False if it need not wait. */
  hold(subscriber: Subscriber, message: Message): boolean {
    if (this.#resuming.size === 0) return false;
    const resuming = this.#resuming.get(subscriber);
    if (resuming === undefined) return false;
    resuming.later.push(message);
    this.#waits(subscriber, resuming, message.size);
    return true;
  }

  #waits(subscriber: Subscriber, resuming: Resuming, bytes: number): void {
    resuming.messages++;
    resuming.bytes += bytes;
    // One waits in any case.
    const isTooMuch = resuming.messages > waitingMessagesMax || resuming.bytes > waitingBytesMax;
    if (!isTooMuch || resuming.messages === 1) return;
    this.forget(subscriber);
    drop(subscriber);
  }

  /**
   * Resolves when it has everything that came up to then. @param waiting what waited for it before: it
   * gets that later, without what comes again.
   */
  begin(
    subscriber: Subscriber,
    filter: string,
    after: number,
    waiting: readonly Message[],
  ): Promise<void> {
    const resuming = this.#resuming.get(subscriber) ?? emptyResuming();
    this.#resuming.set(subscriber, resuming);
    for (const message of waiting) this.hold(subscriber, message);
    const running = resuming.runs.get(filter);
    if (running !== undefined) return running.done;
    this.#dropStored(resuming, filter);
    const taken = Promise.resolve(true);
    const run: Run = { filter, taken, failure: null, done: Promise.resolve() };
    resuming.runs.set(filter, run);
    run.done = this.#run(subscriber, resuming, run, after);
    return run.done;
  }

  /** What is stored comes again. */
  #dropStored(resuming: Resuming, filter: string): void {
    const { later } = resuming;
    for (const message of later.splice(0)) {
      const { topic } = message.delivered;
      if (matches(filter, topic) && this.#user.backplane?.stores?.(topic) === true) {
        resuming.messages--;
        resuming.bytes -= message.size;
      } else later.push(message);
    }
  }

  async #run(subscriber: Subscriber, resuming: Resuming, run: Run, after: number): Promise<void> {
    try {
      await this.#user.backplane?.replay?.(run.filter, after, (topic, data, position) => {
        const delivered = position === undefined ? { topic, data } : { topic, data, position };
        // One behind the other, also from a backplane that does not wait.
        const { taken } = run;
        run.taken = taken.then(() => this.#give(subscriber, resuming, run, delivered));
        this.#waits(subscriber, resuming, data.length);
        return run.taken;
      });
      await run.taken;
      if (run.failure !== null) throw run.failure.error;
    } finally {
      if (resuming.runs.get(run.filter) === run) resuming.runs.delete(run.filter);
      await this.#pour(subscriber, resuming);
    }
  }

  /** Never rejects: a backplane that does not wait would not hear of it. */
  async #give(
    subscriber: Subscriber,
    resuming: Resuming,
    run: Run,
    delivered: Delivered,
  ): Promise<boolean> {
    resuming.messages--;
    resuming.bytes -= delivered.data.length;
    const isWanted = (): boolean =>
      run.failure === null &&
      this.#resuming.get(subscriber) === resuming &&
      resuming.runs.get(run.filter) === run;
    if (!isWanted()) return false;
    try {
      // Only now, so that what waits is not kept twice.
      const message = this.#user.messageOf(delivered);
      if (!give(subscriber, message)) await whenTaken(subscriber);
    } catch (error) {
      run.failure ??= { error };
    }
    if (isGone(subscriber)) this.forget(subscriber);
    return isWanted();
  }

  /** What came meanwhile, as fast as it is taken. */
  async #pour(subscriber: Subscriber, resuming: Resuming): Promise<void> {
    if (resuming.isPouring) return;
    resuming.isPouring = true;
    // Another filter of this one may begin meanwhile.
    while (this.#resuming.get(subscriber) === resuming && resuming.runs.size === 0) {
      const message = isGone(subscriber) ? undefined : resuming.later.shift();
      if (message === undefined) {
        this.forget(subscriber);
        break;
      }
      resuming.messages--;
      resuming.bytes -= message.size;
      try {
        if (!give(subscriber, message)) await whenTaken(subscriber);
      } catch (error) {
        this.#user.onError(error);
      }
    }
    resuming.isPouring = false;
  }

  /** It has unsubscribed: what waits for it of other topics waits for nothing more. */
  end(subscriber: Subscriber, filter: string): void {
    const resuming = this.#resuming.get(subscriber);
    if (resuming?.runs.delete(filter) !== true) return;
    if (resuming.runs.size === 0) void this.#pour(subscriber, resuming);
  }

  /** Nothing waits for it any more. */
  forget(subscriber: Subscriber): void {
    this.#resuming.delete(subscriber);
  }
}

function emptyResuming(): Resuming {
  return { runs: new Map(), later: [], messages: 0, bytes: 0, isPouring: false };
}
