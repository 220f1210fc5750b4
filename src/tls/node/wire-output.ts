import { isMemoryLack } from '../../base/memory-lack.ts';
import type { GnetError } from '../../base/errors.ts';
import { OutboundQueue } from '../../buffer/outbound-queue.ts';
import type { SlabPool } from '../../buffer/slab.ts';
import type { Transport } from '../../driver/transport.ts';

/** What waits below; beyond that the socket makes no more. */
const queuedBytesMax = 65_536;

/** Ciphertext on its way from a socket of `node:tls` to the transport below. */
export class WireOutput {
  readonly #below: Transport;
  readonly #slot: number;
  readonly #pool: SlabPool;
  /** What the transport below has not taken; null when there is none. */
  #queue: OutboundQueue | null = null;
  /** Whoever waits until there is room. */
  #done: (() => void) | null = null;
  /** Pieces that the socket has given, over the life of the stream. */
  carried = 0;
  #roomBytes = queuedBytesMax;
  readonly #lost: (error: GnetError) => void;
  /** Something is lost: nothing may follow what came before it. */
  #isCut = false;

  /** @param lost is called when there is no memory for what was to leave. */
  constructor(below: Transport, slot: number, pool: SlabPool, lost: (error: GnetError) => void) {
    this.#below = below;
    this.#slot = slot;
    this.#pool = pool;
    this.#lost = lost;
  }

  get isEmpty(): boolean {
    return this.#queue === null;
  }

  get length(): number {
    return this.#queue?.length ?? 0;
  }

  /** The socket waits until some of it has left. */
  get isStuck(): boolean {
    return this.#done !== null;
  }

  get #hasRoom(): boolean {
    return this.length <= this.#roomBytes;
  }

  /** Calls `done` when there is room for more: the socket makes the next records meanwhile. */
  carry(bytes: Buffer, done: () => void): void {
    this.carried++;
    this.send(bytes);
    if (this.#hasRoom) done();
    else this.#done = done;
  }

  /** Never throws for want of memory: this may be a write of a stream, in the middle of `node:tls`. */
  send(bytes: Uint8Array): void {
    if (this.#isCut) return;
    try {
      this.#sendOrKeep(bytes);
    } catch (error) {
      if (!isMemoryLack(error)) throw error;
      this.#isCut = true;
      this.#lost(error);
    }
  }

  #sendOrKeep(bytes: Uint8Array): void {
    let sent = 0;
    while (sent < bytes.length && this.#queue === null) {
      const slab = this.#pool.take();
      const length = Math.min(bytes.length - sent, slab.capacity);
      slab.bytes.set(bytes.subarray(sent, sent + length));
      const taken = this.#below.send(this.#slot, slab, 0, length);
      this.#pool.release(slab);
      if (taken < 0) return; // `failed` follows
      sent += taken;
      if (taken < length) this.#queue = new OutboundQueue(this.#pool);
    }
    this.#queue?.push(bytes, sent, bytes.length);
  }

  /** The transport below takes more. */
  flush(): void {
    if (this.#queue !== null && this.#below.flush(this.#slot, this.#queue)) this.#queue = null;
    if (!this.#hasRoom) return;
    const done = this.#done;
    this.#done = null;
    done?.();
  }

  /** From now on the socket waits no more: its owner gives what is the last of the stream. */
  takeAll(): void {
    this.#roomBytes = Number.MAX_SAFE_INTEGER;
    const done = this.#done;
    this.#done = null;
    done?.();
  }

  /** Right before the stream is closed in order: what waits behind a send leaves behind it. */
  leaveLast(): void {
    const queue = this.#queue;
    const below = this.#below;
    if (queue === null || below.sendLast === undefined || below.refuses?.(this.#slot)) return;
    this.#queue = null;
    below.sendLast(this.#slot, queue);
  }

  clear(): void {
    this.#queue?.clear();
    this.#queue = null;
    this.#done = null;
  }
}
