/** Size limits of one request, in bytes unless the name says otherwise. */
export interface HttpLimits {
  /** The length of the method; 501 beyond it. Default 24. */
  readonly methodLengthMax: number;
  /** The request target; 414 beyond it. Default 8 KiB. */
  readonly targetLengthMax: number;
  /** All header lines together; 431 beyond it. Default 16 KiB. */
  readonly headersLengthMax: number;
  /** The number of header lines; 431 beyond it. Default 200. */
  readonly headerCountMax: number;
  /** The body; 413 beyond it. Default 16 MiB. */
  readonly bodyLengthMax: number;
  /** A chunk's size with its extensions; 400 beyond it. Default 4 KiB. */
  readonly chunkLineLengthMax: number;
  /** All trailer lines together; 431 beyond it. Default 8 KiB. */
  readonly trailersLengthMax: number;
  /** The number of empty lines accepted before a request line; 400 beyond it. Default 4. */
  readonly emptyLinesMax: number;
}

export const defaultLimits: HttpLimits = Object.freeze({
  methodLengthMax: 24,
  targetLengthMax: 8 * 1024,
  headersLengthMax: 16 * 1024,
  headerCountMax: 200,
  bodyLengthMax: 16 * 1024 * 1024,
  chunkLineLengthMax: 4 * 1024,
  trailersLengthMax: 8 * 1024,
  emptyLinesMax: 4,
});

/** Checked once: what is made for every connection is given the same object. */
const checked = new WeakSet<object>([defaultLimits]);

/**
 * The limits of a server: the given ones, and the defaults of the others. @throws RangeError if one
 * is not a whole number, or is less than 1 (`emptyLinesMax`: less than 0).
 */
export function limitsFrom(given: Partial<HttpLimits>): HttpLimits {
  if (checked.has(given)) return given as HttpLimits;
  const limits: HttpLimits = Object.freeze({ ...defaultLimits, ...given });
  for (const [name, value] of Object.entries(limits)) {
    const least = name === 'emptyLinesMax' ? 0 : 1;
    if (!Number.isSafeInteger(value) || value < least) {
      throw new RangeError(`${name} is ${value}: give a whole number from ${least}`);
    }
  }
  checked.add(limits);
  return limits;
}
