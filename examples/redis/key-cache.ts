const SLOTS = 1024;
/** Longer keys are made anew every time. */
const KEY_LENGTH_MAX = 32;

/**
 * Text of keys that were asked for lately. A client uses few keys often, and comparing a few bytes
 * is cheaper than making a string and hashing it.
 */
export class KeyCache {
  readonly #texts: string[] = new Array<string>(SLOTS).fill('');
  readonly #lengths = new Uint8Array(SLOTS);
  readonly #bytes = new Uint8Array(SLOTS * KEY_LENGTH_MAX);

  /** `source[start..end)` as latin1: one character per byte. */
  text(source: Buffer, start: number, end: number): string {
    const length = end - start;
    if (length === 0) return '';
    if (length > KEY_LENGTH_MAX) return source.toString('latin1', start, end);
    const slot = slotOf(source, start, end);
    const at = slot * KEY_LENGTH_MAX;
    const bytes = this.#bytes;
    let index = 0;
    if (this.#lengths[slot] === length) {
      while (index < length && bytes[at + index] === source[start + index]) index++;
    }
    if (index === length) return this.#texts[slot] as string;
    const text = source.toString('latin1', start, end);
    this.#texts[slot] = text;
    this.#lengths[slot] = length;
    for (let i = 0; i < length; i++) bytes[at + i] = source[start + i] as number;
    return text;
  }
}

/** Keys tend to differ at their ends, so the ends choose the slot. */
function slotOf(source: Buffer, start: number, end: number): number {
  const last = source[end - 1] as number;
  const middle = source[(start + end) >> 1] as number;
  const beforeLast = end - 2 >= start ? (source[end - 2] as number) : 0;
  const third = end - 3 >= start ? (source[end - 3] as number) : 0;
  const mixed = last + beforeLast * 10 + third * 100 + middle * 31 + (source[start] as number) * 7;
  return (mixed + (end - start) * 131) & (SLOTS - 1);
}
