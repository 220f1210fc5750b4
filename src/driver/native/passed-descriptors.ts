/** Descriptors that go along with bytes of Unix streams: SCM_RIGHTS, unix(7). */
import { ErrUnsupportedOp } from '../../base/errors.ts';
import type { OutboundQueue } from '../../buffer/outbound-queue.ts';
import type { Slab } from '../../buffer/slab.ts';
import { type Address, addressAt } from '../../ffi/index.ts';
import { errnoNumber } from '../../platform/index.ts';
import { closeDescriptor, duplicateDescriptor } from '../../syscall/descriptor.ts';
import {
  descriptorsPerMessageMax,
  type ReceivedDescriptors,
  receiveDescriptors,
  sendDescriptors,
} from '../../syscall/descriptor-message.ts';
import type { DescriptorLedger } from '../descriptor-ledger.ts';
import { isPassing } from './errno-sets.ts';
import { GatheredSend } from './gathered-send.ts';
import { sendSurely } from './sure-calls.ts';

/** What a program leaves lying that long is an attack, or a mistake of its own. */
const waitingMax = 4 * descriptorsPerMessageMax;
const tooManyOpen = errnoNumber('EMFILE') as number;
const tooManyWaiting = errnoNumber('ETOOMANYREFS') as number;

/**
 * Received descriptors that the program has not taken yet, by the slot of the stream, and those to
 * send.
 */
export class PassedDescriptors {
  readonly #waiting = new Map<number, number[]>();
  readonly #found: ReceivedDescriptors = { descriptors: [], incomplete: false };
  readonly #ledger: DescriptorLedger | undefined;

  constructor(ledger: DescriptorLedger | undefined) {
    this.#ledger = ledger;
  }

  #close(descriptor: number): void {
    closeDescriptor(descriptor, this.#ledger?.bits);
  }

  // -- receiving ----------------------------------------------------------------------------------

  /**
   * As `receiveSurely`, with what comes along. Minus EMFILE when some of it did not fit into this
   * process, and minus ETOOMANYREFS when too much of it waits: bytes and descriptors are no message then.
   */
  receive(socket: number, slot: number, address: Address, length: number): number {
    const found = this.#found;
    let count = receiveDescriptors(socket, address, length, found);
    if (count < 0 && !isPassing(-count)) {
      const second = receiveDescriptors(socket, address, length, found);
      count = second === 0 ? count : second;
    }
    const { descriptors, incomplete } = found;
    if (descriptors.length > 0) {
      const waiting = this.#waiting.get(slot) ?? [];
      this.#waiting.set(slot, waiting);
      for (const descriptor of descriptors.splice(0)) {
        this.#ledger?.opened(descriptor);
        waiting.push(descriptor);
      }
      if (waiting.length > waitingMax) return -tooManyWaiting;
    }
    return incomplete ? -tooManyOpen : count;
  }

  /** The next one, which the caller then owns; -1 for none. */
  take(slot: number): number {
    const waiting = this.#waiting.get(slot);
    const next = waiting?.shift();
    if (waiting?.length === 0) this.#waiting.delete(slot);
    if (next === undefined) return -1;
    this.#ledger?.released(next);
    return next;
  }

  /** The stream is closed. */
  drop(slot: number): void {
    if (this.#waiting.size === 0) return;
    for (const descriptor of this.#waiting.get(slot) ?? []) this.#close(descriptor);
    this.#waiting.delete(slot);
  }

  // -- sending ------------------------------------------------------------------------------------

  /** Duplicates for a queue. @throws SyscallError EBADF, EMFILE, with none of them open. */
  hold(descriptors: readonly number[]): readonly number[] {
    const held: number[] = [];
    try {
      for (const descriptor of descriptors) {
        const duplicate = duplicateDescriptor(descriptor);
        this.#ledger?.opened(duplicate);
        held.push(duplicate);
      }
    } catch (error) {
      for (const descriptor of held) this.#close(descriptor);
      throw error;
    }
    return held;
  }

  /** Bytes that the last `sendHead` offered to the kernel. */
  offered = 0;

  /**
   * Offers the kernel what waits first: several slabs at once, or up to where descriptors belong.
   * @param isSlow the kernel had no room for all. Slab by slab then: of a small buffer that one call
   *   fills, each round is one segment, which the peer's kernel acknowledges 40 ms late.
   */
  sendHead(socket: number, queue: OutboundQueue, isSlow: boolean): number {
    const slab = queue.head as Slab;
    if (queue.attachments.length > 0) return this.#sendAttached(socket, queue, slab);
    const several = isSlow || slab.next === null ? null : GatheredSend.of(slab);
    if (several !== null) {
      this.offered = several.length;
      return several.sendNow(socket);
    }
    this.offered = slab.end - slab.start;
    return sendSurely(socket, addressAt(slab.address as Address, slab.start), this.offered);
  }

  #sendAttached(socket: number, queue: OutboundQueue, slab: Slab): number {
    const [first, second] = queue.attachments;
    const address = addressAt(slab.address as Address, slab.start);
    const isDue = first?.at === 0;
    const bound = (isDue ? second?.at : first?.at) ?? Infinity;
    this.offered = Math.min(bound, slab.end - slab.start);
    if (!isDue) return sendSurely(socket, address, this.offered);
    let result = sendDescriptors(socket, address, this.offered, first.descriptors);
    if (result < 0 && !isPassing(-result)) {
      result = sendDescriptors(socket, address, this.offered, first.descriptors);
    }
    if (result > 0) for (const descriptor of queue.detach()) this.#close(descriptor);
    return result;
  }
}

export function notUnix(address: string): ErrUnsupportedOp {
  return new ErrUnsupportedOp(
    `cannot send a descriptor to ${address}: only Unix sockets carry them; listen on a unix:// address`,
  );
}
