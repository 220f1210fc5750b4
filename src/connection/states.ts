/**
 * The life of a stream connection.
 *
 *   Open ----------------> Flushing ------------------> Lingering ----------> Ending -> Closed
 *     close(), Action,       nothing is pending:          the peer's EOF,      onClosed
 *     peer's EOF, an error   SHUT_WR is sent              or closeTimeout
 *
 * A broken transport, an overflow, a time limit and a forced stop lead from each to Ending at once;
 * an overflow by a call of the program by way of Broken, when that call has returned.
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
} as const;

/** What a connection asked the loop to do when its hands are free. */
export const task = {
  /** Call `onDrain`. */
  drain: 1,
  /** Call `react(null)`. */
  wake: 2,
  /** Go on with frames that wait, then with reading. */
  continue: 4,
  /** Begin the close that `close()` asked for. */
  close: 8,
  /** End at once: it is broken. */
  abort: 16,
} as const;

/** What else is true of a connection: in one number, since a field each would be a hundred bytes. */
export const mark = {
  /** Inside `received` or `runTasks`: whoever is there flushes at its end. */
  handling: 1,
  flushScheduled: 2,
  /** It is becoming one with TLS, and what was written before is still going out in clear. */
  clearing: 16_384,
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
  /** A layer below has not called `opened` yet: the program does not know of the connection. */
  unopened: 4_096,
  /** By the server, not by the program. */
  closesWithServer: 2_048,
  /** `end()` was called inside a call of the handler, whose answer goes out before the end. */
  answerDue: 8_192,
} as const;
