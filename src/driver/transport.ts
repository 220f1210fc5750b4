/**
 * The seam between a connection and whatever carries its bytes: downwards a `Transport`, upwards a
 * `StreamReceiver`. The plain transport is the driver itself, without a hop in between. A layer (TLS,
 * a PROXY header) is both: a receiver to the driver and a transport to its connection.
 */
import type { GnetError } from '../base/errors.ts';
import type { OutboundQueue } from '../buffer/outbound-queue.ts';
import type { Slab } from '../buffer/slab.ts';

/** What a connection asks for. A layer calls the transport below it by the same slot. */
export interface Transport {
  /**
   * Sends from a slab without copying. Returns how many bytes the driver took, 0..length; when it
   * took fewer, the rest is the caller's, who queues it and waits for `writable`.
   * Negative: the stream is broken, `failed` follows from the next wait.
   * What was taken may be read after this returns: the driver holds the slab until then, and nobody
   * may write over these bytes meanwhile.
   * Must not be called while a queue is not empty or a `writable` is awaited.
   */
  send(slot: number, slab: Slab, offset: number, length: number): number;
  /** As `send`, from the program's own memory; may take nothing. Worth it for many KiB only. */
  sendBytes(slot: number, bytes: Uint8Array): number;
  /**
   * As `sendBytes`, from several pieces in one call, `piecesMax` at most and none of them empty; `length`
   * is their sum. It has begun with nothing that it does not count: the rest may be changed, or never
   * come. Absent where pieces would be put together, encrypted or queued first.
   */
  sendPieces?(slot: number, pieces: readonly Uint8Array[], length: number): number;
  /**
   * Takes what it can from the queue; true when the queue is empty now. False: `writable` follows
   * when more can be taken, or `failed`.
   */
  flush(slot: number, queue: OutboundQueue): boolean;
  /**
   * Whether the kernel refused bytes that still wait, also during the `writable` that follows. Only
   * where a transport takes less for other reasons, too: a send that is under way. Undefined where it
   * does not, as without this method: what was not taken last was refused.
   */
  refuses?(slot: number): boolean | undefined;
  /**
   * Bytes that were taken and have not reached the peer's system yet, as far as can be known: those in
   * the driver's hands and those in the kernel's send queue; -1 where nobody can tell. An end that was
   * sent may count as one byte, and a Unix socket counts the memory that its bytes take. It goes down
   * while the peer reads, and up only by what is sent.
   * A system call: to be asked when a time limit is near, never for each event.
   */
  unsentBytes(slot: number): number;
  /**
   * Whether the kernel has everything that was taken, so that a `closeStream` in order loses nothing
   * whatever comes next. False: `writable` follows when it has, or `failed`.
   */
  handedOver(slot: number): boolean;
  pauseReading(slot: number): void;
  resumeReading(slot: number): void;
  /** Half-close: the peer sees the end after everything taken before. */
  shutdownWrite(slot: number): void;
  /**
   * Right before a `closeStream` in order, of what the last `flush` left: behind the send that is under
   * way it is offered to the kernel once, and the rest dropped. The transport owns the queue from now
   * on. Only where `flush` takes nothing while a send is under way.
   */
  sendLast?(slot: number, queue: OutboundQueue): void;
  /** Out of the driver's set, then `close(2)`; `abort` resets instead of ending in order. */
  closeStream(slot: number, abort: boolean): void;
}

/** Who hears of one stream, all of it from inside the driver's `wait`. */
export interface StreamReceiver {
  readonly slot: number;
  readonly generation: number;
  /** The stream is open: it was accepted or connected. Called once, before everything else. */
  opened(): void;
  /** See `DriverEvents.received`: the bytes are lent until this returns. */
  received(slab: Slab, start: number, end: number): void;
  ended(): void;
  writable(): void;
  failed(error: GnetError): void;
}
