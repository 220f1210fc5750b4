import { assert } from '../../base/assert.ts';
import { closeDescriptor } from '../../syscall/descriptor.ts';
import { setLingerReset, shutdownSocket } from '../../syscall/socket.ts';
import { constants } from '../../syscall/tables.ts';
import type { DescriptorLedger } from '../contract.ts';
import { kind, tagOf } from './kinds.ts';
import type { Operations } from './operations.ts';
import { inFlight, type Stream, streamFlag } from './stream.ts';

const { sending, cancelling, cancelled, closing, aborted, gone, swept } = streamFlag;

/** A stream by slot and generation, as one safe integer: slots have 24 bits here. */
function keyOf(slot: number, generation: number): number {
  return generation * 2 ** 24 + slot;
}

/** The kernel has let go, and the last bytes are sent or given up. */
function isDone({ flags }: Stream): boolean {
  return (flags & inFlight) === 0 && (flags & (sending | aborted)) !== sending;
}

/**
 * Streams the loop has closed, until the kernel has let go of them:
 *
 *   closeStream -> [last send ends] -> shutdown(2) -> cancel -> [everything in flight ended] -> close(2)
 *
 * An abort goes straight to the cancellation, and its close(2) resets. Usually nothing is in flight
 * and it is closed at once. close(2) alone would neither cancel anything nor end the connection, and
 * would free the number of the descriptor for somebody else while operations name it.
 */
export class ClosingStreams {
  readonly #operations: Operations;
  readonly #streams = new Map<number, Stream>();
  readonly #ledger: DescriptorLedger | undefined;
  #sweeping = false;

  constructor(operations: Operations, ledger: DescriptorLedger | undefined) {
    this.#operations = operations;
    this.#ledger = ledger;
  }

  find(slot: number, generation: number): Stream | undefined {
    return this.#streams.get(keyOf(slot, generation));
  }

  begin(stream: Stream, abort: boolean): void {
    stream.flags |= abort ? closing | aborted : closing;
    stream.dropKept();
    if (isDone(stream)) {
      this.#finish(stream);
      return;
    }
    const key = keyOf(stream.slot, stream.generation);
    assert(!this.#streams.has(key), 'a generation is not used again while it is in flight');
    this.#streams.set(key, stream);
    this.step(stream);
  }

  /** Something of it has ended. */
  step(stream: Stream): void {
    const { flags } = stream;
    if ((flags & gone) !== 0) return;
    if (isDone(stream)) {
      this.#streams.delete(keyOf(stream.slot, stream.generation));
      this.#finish(stream);
    } else if ((flags & cancelled) === 0 && (flags & (sending | aborted)) !== sending) {
      this.#cancel(stream);
    } else {
      this.#sweepLater();
    }
  }

  /** Once: the answer of a cancellation is in flight, too, for it names the descriptor. */
  #cancel(stream: Stream): void {
    if ((stream.flags & aborted) === 0) shutdownSocket(stream.descriptor, constants.SHUT_RDWR);
    stream.flags |= cancelling | cancelled;
    const tag = tagOf(kind.cancelStream, stream.slot);
    this.#operations.cancelDescriptor(stream.descriptor, tag, stream.generation);
  }

  #finish(stream: Stream): void {
    assert((stream.flags & gone) === 0, 'a descriptor is closed once');
    stream.flags |= gone;
    if ((stream.flags & inFlight) === 0) stream.dropUnsent();
    if ((stream.flags & aborted) !== 0) setLingerReset(stream.descriptor);
    this.#ledger?.closing(stream.descriptor);
    closeDescriptor(stream.descriptor);
  }

  #sweepLater(): void {
    if (this.#sweeping) return;
    this.#sweeping = true;
    this.#operations.sweepLater();
  }

  /**
   * The peer of a closed stream may never take its last bytes: such streams are reset once nothing of
   * them has left for two sweeps, five to ten seconds. A reader that goes on has as long as it takes.
   * A cancellation may have missed its target: it is sent again.
   */
  sweep(): void {
    this.#sweeping = false;
    for (const stream of [...this.#streams.values()]) {
      if (this.#goesOn(stream)) stream.flags &= ~swept;
      else if ((stream.flags & swept) !== 0) {
        stream.flags |= aborted;
        if ((stream.flags & cancelling) === 0) stream.flags &= ~cancelled;
      } else stream.flags |= swept;
      this.step(stream);
    }
  }

  /** Whether its last bytes have come on since the last sweep. */
  #goesOn(stream: Stream): boolean {
    if ((stream.flags & (sending | aborted)) !== sending) return false;
    const before = stream.unsentAtSweep;
    stream.unsentAtSweep = stream.unsentBytes;
    // The first look has nothing to compare with.
    return before !== Number.POSITIVE_INFINITY && stream.unsentAtSweep < before;
  }

  /** Everything still in flight is cancelled now. */
  abortAll(): void {
    for (const stream of [...this.#streams.values()]) {
      stream.flags |= aborted;
      this.step(stream);
    }
  }

  /** Closes the descriptors, whatever is in flight. */
  finishAll(): void {
    for (const stream of this.#streams.values()) this.#finish(stream);
    this.#streams.clear();
  }
}
