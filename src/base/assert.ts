/** An invariant of this library does not hold: a bug here, never in the program that uses it. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

/** Stays on in production: a broken invariant next to FFI must stop before it corrupts memory. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(`gnet invariant does not hold: ${message}`);
}
