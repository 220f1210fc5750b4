/** Bytes of chunks after which the young generation is collected. */
const collectionBytes = 4 * 1_024 * 1_024;
/** Chunks shorter than this are little beside what else a program makes of them. */
const chunkBytesMin = 4_096;

/** Collects the young generation. */
type Collect = (options: { readonly type: 'minor' }) => unknown;

/**
 * Chunks of streams, and the copies of them that node:http makes, are buffers that live for a moment.
 * V8 counts their memory towards its next full collection, and hardly towards the next small one,
 * which would free them for a fraction of the work. Where the program has V8's `gc` (`--expose-gc`),
 * each 4 MiB of them are followed by a small one.
 */
export class ChunkGarbage {
  readonly #collect: Collect | null;
  #bytes = 0;

  constructor(collect: Collect | null) {
    this.#collect = collect;
  }

  /** A chunk of so many bytes was given away. */
  made(bytes: number): void {
    if (this.#collect === null || bytes < chunkBytesMin) return;
    this.#bytes += bytes;
    if (this.#bytes < collectionBytes) return;
    this.#bytes = 0;
    this.#collect({ type: 'minor' });
  }
}

/**
 * What the program has as `gc`, if that is V8's own: a function that it has put there, or that of
 * another engine, may know no small collections.
 */
export function ofV8(gc: unknown): Collect | null {
  if (typeof gc !== 'function') return null;
  const text = Function.prototype.toString.call(gc);
  // Other engines write it in several lines, and a bound function has no name there.
  return text === 'function gc() { [native code] }' ? (gc as Collect) : null;
}

/** Of this thread. */
export const chunkGarbage: ChunkGarbage = new ChunkGarbage(
  ofV8((globalThis as { readonly gc?: unknown }).gc),
);
