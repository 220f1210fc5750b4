import { assert } from '../../base/assert.ts';
import { errnoNumber } from '../../platform/index.ts';
import { closeDescriptor } from '../../syscall/descriptor.ts';
import { setLingerReset, shutdownSocket } from '../../syscall/socket.ts';
import { constants } from '../../syscall/linux/tables.ts';
import type { DescriptorLedger } from '../descriptor-ledger.ts';
import type { MemoryRest } from '../native/memory-rest.ts';
import type { Operations } from './operations.ts';
import type { Sending } from './sending.ts';
import type { Stream } from './stream.ts';
import { anyCancel, cancel, inFlight, life, mark, send, sends } from './stream-states.ts';
import {
  cancelForgotten,
  cancelStarted,
  closingBegun,
  descriptorClosed,
} from './stream-transitions.ts';

const { aborted, swept } = mark;
const timePassed = errnoNumber('ETIME') as number;

/** A stream by slot and generation, as one safe integer: slots have 24 bits here. */
function keyOf(slot: number, generation: number): number {
  return generation * 2 ** 24 + slot;
}

/** Its last bytes are on their way and were not abandoned. */
function isSending({ states }: Stream): boolean {
  return (states & sends) !== 0 && (states & aborted) === 0;
}

function isDone(stream: Stream): boolean {
  return (stream.states & inFlight) === 0 && !isSending(stream);
}

/**
 * Streams the loop has closed, until the kernel has let go of them:
 *
 *   closeStream -> [send ends; `last` is offered] -> shutdown(2) -> cancel -> [all in flight ended]
 *     -> close(2)
 *
 * An abort goes straight to the cancellation, and its close(2) resets. Usually nothing is in flight
 * and it is closed at once. close(2) alone would neither cancel anything nor end the connection, and
 * would free the number of the descriptor for other sockets while operations still name it.
 */
export class ClosingStreams {
  readonly #operations: Operations;
  readonly #sending: Sending;
  readonly #streams = new Map<number, Stream>();
  readonly #ledger: DescriptorLedger | undefined;
  readonly #rest: MemoryRest;
  #sweeping = false;

  constructor(
    operations: Operations,
    sending: Sending,
    ledger: DescriptorLedger | undefined,
    rest: MemoryRest,
  ) {
    this.#rest = rest;
    this.#operations = operations;
    this.#sending = sending;
    this.#ledger = ledger;
  }

  find(slot: number, generation: number): Stream | undefined {
    return this.#streams.get(keyOf(slot, generation));
  }

  begin(stream: Stream, abort: boolean): void {
    closingBegun(stream);
    if (abort) stream.states |= aborted;
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
    if ((stream.states & life.gone) !== 0) return;
    if (stream.last !== null) this.#sending.offerLast(stream);
    if (isDone(stream)) {
      this.#streams.delete(keyOf(stream.slot, stream.generation));
      this.#finish(stream);
    } else if ((stream.states & anyCancel) === 0 && !isSending(stream)) {
      this.#cancel(stream);
    } else {
      this.#sweepLater();
    }
  }

  /** Once: the answer of a cancellation is in flight, too, for it names the descriptor. */
  #cancel(stream: Stream): void {
    const ends = (stream.states & aborted) === 0 && !stream.isShared;
    if (ends) shutdownSocket(stream.descriptor, constants.SHUT_RDWR);
    cancelStarted(stream);
    this.#operations.cancelStream(stream);
  }

  #finish(stream: Stream): void {
    descriptorClosed(stream);
    stream.dropLast();
    if ((stream.states & inFlight) === 0) stream.dropUnsent();
    if ((stream.states & aborted) !== 0) setLingerReset(stream.descriptor);
    closeDescriptor(stream.descriptor, this.#ledger?.bits);
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
   * @param result of the operation that waited.
   */
  sweep(result: number): void {
    if (result !== -timePassed) {
      // No memory for it, as a rule. The time has not passed: nobody is given up.
      this.#rest.later(() => this.#waitAgain());
      return;
    }
    this.#sweeping = false;
    for (const stream of [...this.#streams.values()]) {
      if (this.#goesOn(stream)) stream.states &= ~swept;
      else if ((stream.states & swept) !== 0) {
        stream.states |= aborted;
        if ((stream.states & cancel.answered) !== 0) cancelForgotten(stream);
      } else stream.states |= swept;
      this.step(stream);
    }
  }

  #waitAgain(): void {
    this.#sweeping = this.#streams.size > 0;
    if (this.#sweeping) this.#operations.sweepLater();
  }

  /** Whether its last bytes have come on since the last sweep. */
  #goesOn(stream: Stream): boolean {
    if (!isSending(stream)) return false;
    const before = stream.unsentAtSweep;
    stream.unsentAtSweep = stream.unsentBytes;
    // The first look has nothing to compare with.
    return before >= 0 && stream.unsentAtSweep < before;
  }

  /**
   * Nobody waits for room any more: what is left is offered to the kernel once, and ends in order like
   * the rest. A reset would destroy what the kernel has.
   */
  offerLast(): void {
    for (const stream of [...this.#streams.values()]) {
      if ((stream.states & (send.held | aborted)) === send.held) this.#sending.offerHeld(stream);
      this.step(stream);
    }
  }

  /** Closes the descriptors, whatever is in flight. */
  finishAll(): void {
    for (const stream of this.#streams.values()) this.#finish(stream);
    this.#streams.clear();
  }
}
