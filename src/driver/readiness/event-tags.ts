/**
 * The user data of a readiness event: 64 bits, the generation above and this tag below.
 *
 *   31  30..28   27..0
 *   0   kind     slot of a stream, or number of a listener or datagram endpoint
 */
export const kindMask: number = 2 ** 28;

export const eventKind = {
  stream: 0,
  listener: 1 * 2 ** 28,
  datagram: 2 * 2 ** 28,
  /** Our own wake descriptor. */
  wake: 3 * 2 ** 28,
  /** A foreign descriptor, which only ends the wait. */
  watched: 4 * 2 ** 28,
} as const;

export function kindOf(tag: number): number {
  return tag - (tag % kindMask);
}
