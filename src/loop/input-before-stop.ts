import type { StreamConnection } from '../connection/stream-connection.ts';
import type { Driver } from '../driver/contract.ts';

/**
 * Where nobody can tell what has arrived, a connection is through after this many turns without a
 * byte, or, when its peer goes on sending, after so many turns as take what a kernel may hold.
 */
const quietTurnsMin = 8;
const turnsMax = 128;

/** The longest gap between the goodbyes of two connections, even if there are few. */
const gapMsMax = 10;

/**
 * Of the time for the goodbyes, what passes before the first one. Both processes run code for the first
 * time just then, this one to leave its listeners and the other one to serve.
 */
const waitShare = 0.2;

/** What a connection has to handle before it may be closed. */
interface Expected {
  readonly connection: StreamConnection;
  /**
   * Bytes that had arrived but were not reported when the stop began; -1 if their number is
   * unknown.
   */
  left: number;
  turns: number;
  quietTurns: number;
  /** It has had its `signalClose`: the program has paused it, and is to say what shall happen. */
  told: boolean;
  /** What it had before it when it was last looked at, NaN before that: less than that is progress. */
  before: number;
}

/**
 * What had arrived when a stop began: each connection goes on as if nothing had happened until all of
 * that is handled, and is then told of the stop and closed. What a peer sends meanwhile does not
 * count, so it holds nothing up.
 *
 * A handshake that is not over with what had arrived is not waited for.
 *
 * Who waits: a connection whose bytes are in the kernel or behind a pause of ours (a promise of its
 * handler, too much output, the bound of a turn). Who does not: one that the program itself has
 * paused. That one is told at once; if it is still paused then, it is closed as it is.
 *
 * Patient, for a restart: nobody is turned away who has just come, or is in the middle of a frame. Such a
 * connection goes on until its frame is handled, or comes no further. And they are told one after the
 * other: all of them at once would be a storm of new connections upon a process that has just begun.
 */
export class InputBeforeStop {
  readonly #driver: Driver;
  readonly #expected = new Map<number, Expected>();
  readonly #isPatient: boolean;
  /** Those whose turn has yet to come, the next one last. */
  readonly #later: StreamConnection[];
  /** When the next one's turn comes, and how long after that the one behind it. */
  #nextAt: number;
  readonly #gapMs: number;

  /** @param leavesOver milliseconds; null for a stop. */
  constructor(driver: Driver, connections: readonly StreamConnection[], leavesOver: number | null) {
    this.#driver = driver;
    this.#isPatient = leavesOver !== null;
    const waitMs = (leavesOver ?? 0) * waitShare;
    this.#nextAt = performance.now() + waitMs;
    this.#gapMs = Math.min(
      gapMsMax,
      ((leavesOver ?? 0) - waitMs) / Math.max(1, connections.length),
    );
    this.#later = [...connections].reverse();
    if (leavesOver === null) this.letAllIn();
  }

  /** For some the end has not begun. */
  get anyLater(): boolean {
    return this.#later.length > 0;
  }

  letAllIn(): void {
    this.#letIn(Number.POSITIVE_INFINITY);
  }

  #letIn(now: number): void {
    while (this.#later.length > 0 && this.#nextAt <= now) {
      const connection = this.#later.pop() as StreamConnection;
      if (connection.hasLeft) continue;
      this.#nextAt += this.#gapMs;
      this.#expect(connection);
    }
  }

  #expect(connection: StreamConnection): void {
    // Later than all others it may have been sent what a driver cannot tell without asking first.
    const canTell = !this.#isPatient || this.#driver.prepareUnread === undefined;
    const left = canTell ? this.#driver.unreadBytes(connection.slot) : -1;
    const expected = { connection, left, turns: 0, quietTurns: 0, told: false, before: Number.NaN };
    this.#expected.set(connection.slot, expected);
  }

  /** Only turns can tell whether something is left. */
  get wantsTurns(): boolean {
    for (const { left, connection } of this.#expected.values()) {
      if (left === -1 && !connection.isBusy && !this.#waitsFor(connection)) return true;
    }
    return false;
  }

  received(slot: number, byteLength: number): void {
    const expected = this.#expected.get(slot);
    if (expected === undefined) return;
    expected.quietTurns = 0;
    if (expected.left !== -1) expected.left = Math.max(0, expected.left - byteLength);
  }

  /** After each turn: calls `signalClose` for the connections that are through, and closes them. */
  step(): void {
    if (this.#later.length > 0) this.#letIn(performance.now());
    for (const expected of this.#expected.values()) {
      const { connection } = expected;
      if (connection.hasLeft) this.#expected.delete(connection.slot);
      else this.#look(expected, connection);
    }
  }

  #look(expected: Expected, connection: StreamConnection): void {
    if (connection.isPausedByProgram && !expected.told) {
      expected.told = true;
      connection.signalClose();
    }
    if (connection.isBusy || this.#waitsFor(connection)) return;
    if (!connection.isPausedByProgram && !this.#arrived(expected)) return;
    this.#expected.delete(connection.slot);
    if (!connection.isOpened) {
      // What had arrived was not the end of its handshake.
      connection.abort(undefined);
      return;
    }
    if (!expected.told) connection.signalClose();
    connection.closeWithServer();
  }

  #waitsFor(connection: StreamConnection): boolean {
    if (!this.#isPatient || connection.isPausedByProgram) return false;
    return !connection.isOpened || connection.expectsInput;
  }

  #arrived(expected: Expected): boolean {
    if (expected.left !== -1) return expected.left === 0 || expected.connection.readEnded;
    expected.turns++;
    expected.quietTurns++;
    return expected.quietTurns >= quietTurnsMin || expected.turns >= turnsMax;
  }

  /**
   * From time to time: those that have come no further since the last time are closed as they are. A
   * promise has not settled, or a peer takes nothing of what it was sent.
   */
  giveUpOnStuck(): void {
    for (const expected of this.#expected.values()) {
      const { connection, told, before } = expected;
      expected.before = expected.left + connection.bufferLength() + connection.outboundBuffered();
      const waits = this.#waitsFor(connection);
      if (!(connection.isBusy || waits) || expected.before !== before) continue;
      this.#expected.delete(connection.slot);
      if (!connection.isOpened) {
        connection.abort(undefined);
        continue;
      }
      if (!told) connection.signalClose();
      connection.closeWithoutAnswer();
    }
  }

  /** Whether this connection had input when the stop began that was not handled. */
  hasUnhandled(connection: StreamConnection): boolean {
    const expected = this.#expected.get(connection.slot);
    if (expected?.connection !== connection) return false;
    return expected.left > 0 || connection.bufferLength() > 0;
  }
}
