import { assert } from '../base/assert.ts';

/**
 * The life of a stream connection; docs/connections.md draws it. Broken is not drawn: an overflow by a
 * call of the program leads there, and on to Ending when that call has returned.
 */
export const State = {
  /** Frames are delivered and bytes are taken. */
  Open: 0,
  /** No frame is delivered any more; pending bytes go out; what is read is thrown away. */
  Flushing: 1,
  /** Everything is out and our side is ended; only the peer's end is waited for. */
  Lingering: 2,
  /** The program wrote too much: over, but `onClosed` waits until the program's call has returned. */
  Broken: 3,
  /** `onClosed` runs: the descriptor is still there, everything else is over. */
  Ending: 4,
  /** The descriptor is closed. */
  Closed: 5,
} as const;

export type State = (typeof State)[keyof typeof State];

export const stateNames: readonly string[] = Object.keys(State);

/** Which states may follow each: the arrows of the drawing, and those of Broken. */
const followers: readonly number[] = [
  (1 << State.Flushing) | (1 << State.Broken) | (1 << State.Ending),
  (1 << State.Lingering) | (1 << State.Broken) | (1 << State.Ending),
  (1 << State.Broken) | (1 << State.Ending),
  1 << State.Ending,
  1 << State.Closed,
  0,
];

export function mayFollow(state: State, next: State): boolean {
  return ((followers[state] as number) & (1 << next)) !== 0;
}

/** Why a connection delivers no frames and reads nothing. */
export const pauseReason = {
  /** `pauseRead()`. */
  user: 1,
  /** The promise of an earlier frame has not settled. */
  handler: 2,
  /** Too much pending output: above the high watermark. */
  overflow: 4,
  /** It had its share of this turn. */
  turn: 8,
  /** It is becoming one with TLS: what comes is the handshake. */
  upgrade: 16,
  /** Who speaks the next protocol has not set its codec yet. */
  codec: 32,
} as const;

/** Those that only the program ends. */
export const programPauses: number = pauseReason.user | pauseReason.codec;

/** What a connection asked the loop to do when it has handled its events. */
export const task = {
  /** Call `onDrain`. */
  drain: 1,
  /** Call `react(null)`. */
  wake: 2,
  /** Go on with frames that wait, then with reading. */
  continue: 4,
  /** Begin the close that `close()`, or the end of half-open, asked for. */
  close: 8,
  /** End at once: it is broken. */
  abort: 16,
} as const;

/** What else is true of a connection: in one number, since a field each would be a hundred bytes. */
export const mark = {
  /** Inside `received` or `runTasks`, which flush at their end. */
  handling: 1,
  flushScheduled: 2,
  /** The codec leaves bytes as they are. */
  identity: 4,
  /** The payload in the encoder's hands is an answer: the program is done with its memory. */
  payloadIsAnswer: 8,
  /** The kernel took less than there was: `writable` follows. */
  writeBlocked: 16,
  /** Above the high watermark. */
  aboveHigh: 32,
  /** The peer has ended its side. */
  readEnded: 64,
  /** `onEnd` has had its turn: everything received was delivered. */
  endReported: 128,
  /** `end()` was called: half-close once everything is flushed. */
  endRequested: 256,
  writeShut: 512,
  /** `close()` was called: takes effect once the call of the handler is over. */
  closeRequested: 1_024,
  /** By the server, not by the program. */
  closesWithServer: 2_048,
  /** A layer below has not called `opened` yet: the program does not know of the connection. */
  unopened: 4_096,
  /**
   * `end()` was called inside a call of the handler; the answer of that call goes out before the
   * end.
   */
  answerDue: 8_192,
  /** It is becoming one with TLS, and what was written before is still going out in clear. */
  clearing: 16_384,
  /** Its peer has sent something. */
  heard: 32_768,
  /** `destroy()` was called: it ends without a reset. */
  givenUp: 65_536,
  /**
   * The server stops, and the promise of `signalClose` is pending: everything continues until it
   * settles.
   */
  sayingGoodbye: 131_072,
  /** `setLinger(0)`: a close of ours resets. */
  abortive: 262_144,
  /** Prepared bytes wait in the loop's `SharedSends`, and nothing else does. */
  shares: 524_288,
  /** Who writes waits for a slow peer by itself: output above the high watermark does not close it. */
  paced: 1_048_576,
  /** `close()` was called inside `onOpened`, and the follower writes what was to go behind its answer. */
  lastWords: 2_097_152,
} as const;

/** What comes with a mark: never the first without the second. */
const comesWith: readonly (readonly [number, number, string])[] = [
  [mark.closesWithServer, mark.closeRequested, 'closesWithServer is a kind of closeRequested'],
  [mark.lastWords, mark.closeRequested, 'last words come before a close'],
  [mark.endReported, mark.readEnded, 'onEnd comes after the end'],
  [mark.answerDue, mark.endRequested, 'an answer is due before the end of our side only'],
];

/** Legal combinations of state, marks and reasons to pause. */
export function checkCombination(state: State, marks: number, paused: number): void {
  for (const [one, other, message] of comesWith) {
    assert((marks & one) === 0 || (marks & other) !== 0, message);
  }
  if (state === State.Open) {
    const shut = (marks & mark.writeShut) !== 0;
    assert(!shut || (marks & mark.endRequested) !== 0, 'our side of an open one ends by end()');
    assert((paused & pauseReason.turn) === 0, 'a turn is given back at once');
    const full = (paused & pauseReason.overflow) !== 0;
    assert(!full || (marks & mark.aboveHigh) !== 0, 'reading rests for output above the mark');
  }
  if (state === State.Lingering) {
    assert((marks & mark.writeShut) !== 0, 'who lingers has ended its side');
  }
}
