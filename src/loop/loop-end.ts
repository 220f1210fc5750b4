import type { ConnectionOwner } from '../connection/owner.ts';
import type { StreamConnection } from '../connection/stream-connection.ts';
import type { StopResult, UndoneWork } from '../connection/server-view.ts';
import type { Driver } from '../driver/contract.ts';
import { InputBeforeStop } from './input-before-stop.ts';
import type { ConnectionTable } from './connection-table.ts';
import type { DatagramPorts } from './datagram-ports.ts';
import type { Inbox } from './mailbox-contract.ts';

/** What a stop could not finish. */
export type Unfinished = { forced: number } & { -readonly [Name in keyof UndoneWork]: number };

export function nothingUnfinished(): Unfinished {
  return { forced: 0, unhandledInput: 0, unsettledHandlers: 0, unsentBytes: 0, lostLoops: 0 };
}

export function addUnfinished(sum: Unfinished, more: Unfinished): void {
  for (const name of Object.keys(more) as (keyof Unfinished)[]) sum[name] += more[name];
}

/** The number of waits in which a driver reports all that was ready, even if peers keep sending. */
const readyWaitsMax = 64;

/** One wait is bounded: what a driver has taken from the kernel may need several. */
export function reportWhatIsReady(loop: { wait(timeoutMs: number): number }): void {
  for (let waits = 0, empty = 0; waits < readyWaitsMax && empty < 2; waits++) {
    if (loop.wait(0) === 0) empty++;
  }
}

/** Goodbyes that are spread over a time come in steps of that. */
const goodbyeEveryMs = 5;

/** One look takes all that a mailbox holds; a little more, for who was about to put something there. */
const inboxLooksMax = 16;

/** Threads that keep writing do not delay the stop. */
export function takeWhatIsThere(inbox: Inbox): void {
  for (let looks = 0; looks < inboxLooksMax && inbox.drain(); looks++);
}

/** As `stop` tells it: what was left undone only where there is some. */
export function toStopResult({ forced, ...undone }: Unfinished): StopResult {
  return Object.values(undone).some((count) => count > 0) ? { forced, undone } : { forced };
}

/** The end of what a loop has open, from the begin of a stop until nothing is left. */
export class LoopEnd {
  readonly #driver: Driver;
  readonly #table: ConnectionTable;
  readonly #ports: DatagramPorts;
  readonly #log: Pick<ConnectionOwner, 'report'>;
  /** The runtime's timer alone gives one where the thread is shared; other hosts are asked. */
  readonly #requestTurn: () => void;
  #arrivals: InputBeforeStop | null = null;
  /** Datagrams whose handler's promise has not settled. */
  #openDatagrams = 0;
  /** What the program has begun that belongs to no connection. */
  #openWork = 0;
  #stuckTimer: NodeJS.Timeout | undefined;
  #goodbyeTimer: NodeJS.Timeout | undefined;
  #lookedAt = 0;
  #isForced = false;
  /** What forcing has left undone so far. */
  readonly unfinished: Unfinished = nothingUnfinished();
  #whenEmpty: (() => void) | null = null;

  constructor(
    driver: Driver,
    table: ConnectionTable,
    ports: DatagramPorts,
    log: Pick<ConnectionOwner, 'report'>,
    requestTurn: () => void,
  ) {
    this.#driver = driver;
    this.#table = table;
    this.#ports = ports;
    this.#log = log;
    this.#requestTurn = requestTurn;
  }

  /**
   * Handles what has arrived, says goodbye and closes; resolves when nothing is left.
   * @param stuckMs how long a connection that comes no further may hold up the end; 0 is for ever.
   * @param leavesOver goodbyes are spread over so many milliseconds, and who has just come, or is in the
   * middle of a frame, is waited for; null for a stop, which waits for neither.
   */
  async begin(stuckMs: number, leavesOver: number | null): Promise<void> {
    // Connections accepted from the backlog after that get no more time than the others.
    if (this.#isForced) this.force(undefined);
    this.#arrivals = new InputBeforeStop(this.#driver, this.#table.all(), leavesOver);
    this.step();
    if (this.#arrivals.anyLater) this.#turnNowAndThen(this.#arrivals);
    this.#arrivals.giveUpOnStuck();
    this.#lookedAt = performance.now();
    if (stuckMs > 0) {
      // A loop that is closed in the middle of its stop must not be kept by this.
      this.#stuckTimer = setInterval(() => this.#lookForStuck(stuckMs), stuckMs).unref();
    }
    if (!this.#isEmpty) {
      await new Promise<void>((resolve) => {
        this.#whenEmpty = resolve;
      });
    }
    clearInterval(this.#stuckTimer);
    clearInterval(this.#goodbyeTimer);
    this.#ports.close();
  }

  /** Until everybody's turn has come: nothing else may give the loop one of its own. */
  #turnNowAndThen(arrivals: InputBeforeStop): void {
    this.#goodbyeTimer = setInterval(() => {
      if (!arrivals.anyLater) clearInterval(this.#goodbyeTimer);
      this.#requestTurn();
    }, goodbyeEveryMs).unref();
  }

  /** After a hold-up, no connection had time to make progress. */
  #lookForStuck(stuckMs: number): void {
    const now = performance.now();
    const wasHeldUp = now - this.#lookedAt > 1.5 * stuckMs;
    this.#lookedAt = now;
    if (!wasHeldUp) this.#giveUpOnStuck();
  }

  #giveUpOnStuck(): void {
    this.#arrivals?.giveUpOnStuck();
    this.#openDatagrams = 0;
    this.look();
  }

  get isUnderWay(): boolean {
    return this.#arrivals !== null;
  }

  /** Nothing else would give the loop a turn, and one is needed. */
  get wantsTurns(): boolean {
    return this.#arrivals?.wantsTurns ?? false;
  }

  received(slot: number, byteLength: number): void {
    this.#arrivals?.received(slot, byteLength);
  }

  /** Says goodbye to those that are through; true while there is a stop. */
  step(): boolean {
    this.#arrivals?.step();
    return this.#arrivals !== null;
  }

  datagramWaits(change: 1 | -1): void {
    this.#openDatagrams = Math.max(0, this.#openDatagrams + change);
    this.look();
  }

  /** No step of it is seen: only its end, or that of the time of the stop. */
  workWaits(change: 1 | -1): void {
    // What is given up may still come to its end.
    if (this.#isForced) return;
    this.#openWork += change;
    this.look();
  }

  get #isEmpty(): boolean {
    return this.#table.size === 0 && this.#openDatagrams === 0 && this.#openWork === 0;
  }

  /** Something has come to its end. */
  look(): void {
    if (this.#whenEmpty === null || !this.#isEmpty) return;
    this.#whenEmpty();
    this.#whenEmpty = null;
  }

  /** Closes what is open, at once; in a stop that has yet to begin also what comes in until then. */
  force(error: Error | undefined): void {
    this.#isForced = true;
    this.#arrivals?.letAllIn();
    const result = this.unfinished;
    result.unsettledHandlers += this.#openDatagrams + this.#openWork;
    this.#openDatagrams = 0;
    this.#openWork = 0;
    for (const connection of this.#table.all()) {
      result.forced++;
      if (this.#hasUnhandled(connection)) result.unhandledInput++;
      if (connection.handlerRuns) result.unsettledHandlers++;
      result.unsentBytes += connection.outboundBuffered();
      try {
        connection.force(error);
      } catch (thrown) {
        this.#log.report('a connection could not be closed; the others are', thrown);
      }
    }
    this.look();
  }

  #hasUnhandled(connection: StreamConnection): boolean {
    return this.#arrivals?.hasUnhandled(connection) ?? false;
  }
}
