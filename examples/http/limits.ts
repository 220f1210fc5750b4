/** Everything a peer can make this server hold or scan, in bytes unless the name says otherwise. */
export interface HttpLimits {
  /** A longer method is none that anybody knows: 501. */
  readonly methodLengthMax: number;
  /** 414 beyond it. */
  readonly targetLengthMax: number;
  /** All header lines together; 431 beyond it. */
  readonly headersLengthMax: number;
  /** Header lines; 431 beyond it. */
  readonly headerCountMax: number;
  /** 413 beyond it. */
  readonly bodyLengthMax: number;
  /** Chunk size with its extensions. */
  readonly chunkLineLengthMax: number;
  readonly trailersLengthMax: number;
  /** Empty lines that are forgiven in front of a request line. */
  readonly emptyLinesMax: number;
  /** Requests that one read may put into one batch; what is left over makes the next batch. */
  readonly batchRequestsMax: number;
}

export const defaultLimits: HttpLimits = Object.freeze({
  methodLengthMax: 24,
  targetLengthMax: 8 * 1024,
  headersLengthMax: 16 * 1024,
  headerCountMax: 200,
  bodyLengthMax: 1024 * 1024,
  chunkLineLengthMax: 4 * 1024,
  trailersLengthMax: 8 * 1024,
  emptyLinesMax: 4,
  batchRequestsMax: 64,
});

/**
 * The limits of a server: the given ones, and the default of each other.
 * @throws RangeError when one is not a whole number, or is less than 1 (`emptyLinesMax`: than 0).
 */
export function limitsFrom(given: Partial<HttpLimits>): HttpLimits {
  const limits = { ...defaultLimits, ...given };
  for (const [name, value] of Object.entries(limits)) {
    const least = name === 'emptyLinesMax' ? 0 : 1;
    if (!Number.isSafeInteger(value) || value < least) {
      throw new RangeError(`${name} is ${value}: give a whole number from ${least}`);
    }
  }
  return limits;
}
