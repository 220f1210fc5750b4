import { findSmallCollection, type SmallCollection, youngBytes } from './small-collections.ts';

const mebibyte = 1_024 * 1_024;
/** Bytes of chunks before the first collection: who receives less does not pay for finding `gc`. */
const firstBytes = 16 * mebibyte;
/** Bytes of chunks between two collections, for each byte that the last one has left alive. */
const bytesPerLive = 4;
/** But at least so many. */
const bytesMin = 8 * mebibyte;
/** After as many V8 collects them in any case. */
const bytesMax = 64 * mebibyte;
/** Chunks shorter than this are little beside what else a program makes of them. */
const chunkBytesMin = 4_096;
/** Another thread may be in the way. */
const attemptsMax = 3;

/**
 * Chunks of streams and bodies, and the copies that node:http makes, are buffers that live for a moment.
 * V8 counts their memory towards its next full collection, and hardly towards the next small one,
 * which would free them for a fraction of the work. So each 8 MiB of them are followed by a small one;
 * fewer where much of what the program has made lately is alive, which a small one copies. The time that
 * it takes would not tell: on a busy machine it waits for V8's other threads.
 */
export class ChunkGarbage {
  readonly #find: () => SmallCollection | null;
  readonly #live: () => number;
  #collect: SmallCollection | null = null;
  #attempts = 0;
  /** Bytes of chunks until the next collection. */
  #left = firstBytes;

  /**
   * @param find asked when there is something to collect
   * @param live how many bytes the last collection has left alive
   */
  constructor(find: () => SmallCollection | null, live: () => number) {
    this.#find = find;
    this.#live = live;
  }

  /** A chunk of so many bytes was given away. */
  made(bytes: number): void {
    if (bytes < chunkBytesMin) return;
    this.#left -= bytes;
    if (this.#left <= 0) this.#collectNow();
  }

  #collectNow(): void {
    const collect = this.#collect ?? this.#findOnce();
    if (collect === null) return;
    collect({ type: 'minor' });
    this.#left = Math.min(bytesMax, Math.max(bytesMin, this.#live() * bytesPerLive));
  }

  #findOnce(): SmallCollection | null {
    this.#collect = this.#find();
    this.#attempts++;
    this.#left = this.#attempts < attemptsMax ? firstBytes : Number.POSITIVE_INFINITY;
    return this.#collect;
  }
}

/** Of this thread. */
export const chunkGarbage: ChunkGarbage = new ChunkGarbage(findSmallCollection, youngBytes);
