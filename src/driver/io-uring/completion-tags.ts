/**
 * The user data of an operation, which its completion brings back: 64 bits, the generation above and
 * this tag below.
 *
 *   31  30..24   23..0
 *   0   kind     slot of a stream, or number of a listener, endpoint or watched descriptor
 *
 * The tag of a stream's receive, by far the commonest, is its slot.
 */
export const kindShift = 24;
export const indexMask: number = 2 ** kindShift - 1;

export const kind = {
  receive: 0,
  send: 1,
  /** Cancels the receive of a paused stream. */
  cancelReceive: 2,
  /** Cancels everything of a stream that is being closed. */
  cancelStream: 3,
  /** Reports the outcome of connecting. */
  connect: 4,
  /** Reports that a full socket has room again. */
  room: 5,
  /** Reports that a stream whose peer has ended broke. */
  hangup: 6,
  accept: 7,
  datagram: 8,
  /** Our own wake descriptor. */
  wake: 9,
  /** A foreign descriptor, which only ends the wait. */
  watched: 10,
  /** Looks after streams whose last bytes do not go out. */
  sweep: 11,
  /** Ends a sleep that has no other limit. */
  longSleep: 12,
  /** The answer to a cancellation, which nothing waits for. */
  ignored: 13,
} as const;

export function tagOf(ofKind: number, index: number): number {
  return (ofKind << kindShift) | index;
}

/** Of an operation whose completion needs no handling. */
export const ignoredTag: number = tagOf(kind.ignored, 0);
