import type { Conn } from 'gnet';

/** Longest reply in bytes that is handed back as a whole; more goes out in pieces before it. */
const CAPACITY = 32 * 1024;
/** Pieces from this length on are sent from where they are. */
const DIRECT_LENGTH = 8 * 1024;
/** Below this a loop is quicker than a call of `set`. */
const LOOP_LENGTH = 24;

/**
 * Collects the answers to all requests of one frame in one piece of memory, which is used again
 * for the next frame: the framework copies or sends a reply of this size before `react` is over.
 */
export class ReplyBuffer {
  readonly bytes: Buffer = Buffer.allocUnsafeSlow(CAPACITY);
  /** Where the next byte goes. After `reserve(n)` the caller may write n bytes and add n. */
  position = 0;
  /** Of this frame's replies, what went out before the end is above the high water mark. */
  isAhead = false;
  #conn: Conn | null = null;
  /** The view of the last reply: answers of one length, as in a pipeline, need no new one. */
  #view: Buffer = this.bytes.subarray(0, 0);

  begin(conn: Conn): void {
    this.#conn = conn;
    this.position = 0;
    this.isAhead = false;
  }

  /** The reply for `react`, or null when there is none (any more). */
  end(): Buffer | null {
    const length = this.position;
    this.#conn = null;
    if (length === 0) return null;
    if (this.#view.length !== length) this.#view = this.bytes.subarray(0, length);
    return this.#view;
  }

  /** Forgets what has not gone out yet. */
  drop(): void {
    this.position = 0;
  }

  /** Makes room for `length` bytes, which must be at most the capacity. */
  reserve(length: number): void {
    if (this.position + length > CAPACITY) this.#flush();
  }

  append(piece: Uint8Array): void {
    const length = piece.length;
    if (length >= DIRECT_LENGTH) {
      this.#flush();
      this.#write(piece);
      return;
    }
    this.reserve(length);
    const bytes = this.bytes;
    const start = this.position;
    if (length < LOOP_LENGTH) {
      for (let index = 0; index < length; index++) bytes[start + index] = piece[index] as number;
    } else bytes.set(piece, start);
    this.position = start + length;
  }

  /** `text` must be latin1 and shorter than the capacity. */
  appendText(text: string): void {
    this.reserve(text.length);
    this.position += this.bytes.write(text, this.position, 'latin1');
  }

  #flush(): void {
    if (this.position === 0) return;
    // Bytes are taken at the call, so the memory is free again at once.
    this.#write(this.bytes.subarray(0, this.position));
    this.position = 0;
  }

  #write(bytes: Uint8Array): void {
    if (this.#conn?.asyncWrite(bytes) === false) this.isAhead = true;
  }
}
