import type { TLSSocket } from 'node:tls';
import type { OutboundQueue } from '../../buffer/outbound-queue.ts';
import { PromptWrites } from './prompt-writes.ts';
import type { WireOutput } from './wire-output.ts';

/** Bytes given to the socket in one write. */
const pieceBytesMax = 65_536;
/** What a kernel could take at once of a connection that is given up. */
const lastBytesMax = 4 * 1_048_576;

/** Plaintext on its way through a socket of `node:tls` to where its ciphertext leaves. */
export class SocketOutput {
  readonly #output: WireOutput;
  readonly #written: () => void;
  #socket: TLSSocket | null = null;
  #prompt: PromptWrites | null = null;
  /** Taken, over the life of the stream. */
  bytesTaken = 0;

  /** @param written is called when the ciphertext of everything taken is carried away. */
  constructor(output: WireOutput, written: () => void) {
    this.#output = output;
    this.#written = () => {
      if (this.length === 0) written();
    };
  }

  adopt(socket: TLSSocket): void {
    this.#socket = socket;
    this.#prompt = new PromptWrites(socket);
  }

  /** Bytes that the socket holds. */
  get length(): number {
    return this.#socket?.writableLength ?? 0;
  }

  /** Copies as much as the socket wants; returns how much. */
  write(bytes: Uint8Array, offset: number, length: number): number {
    let taken = 0;
    for (let socket = this.#socket; socket !== null && taken < length; ) {
      if (!this.#takesMore(socket)) break;
      const count = Math.min(length - taken, pieceBytesMax);
      this.#give(socket, bytes, offset + taken, count);
      taken += count;
    }
    this.bytesTaken += taken;
    return taken;
  }

  /** What waits below waits here, too: then what the socket has taken is gone, or on its way. */
  #takesMore(socket: TLSSocket): boolean {
    const { writableNeedDrain, writableLength } = socket;
    return this.#output.isEmpty && !writableNeedDrain && writableLength < pieceBytesMax;
  }

  #give(socket: TLSSocket, bytes: Uint8Array, offset: number, count: number): void {
    // `Buffer.from` copies: the socket may keep it for longer than this call.
    socket.write(Buffer.from(bytes.subarray(offset, offset + count)), this.#written);
    this.finishWrites();
  }

  /** The ciphertext of a write is carried away: the socket makes that of what it kept meanwhile. */
  finishWrites(): void {
    const output = this.#output;
    for (let carried = -1; carried !== output.carried && !output.isStuck; ) {
      carried = output.carried;
      this.#prompt?.finish();
    }
  }

  /**
   * Encrypts what is in the queue behind everything that waits. Nothing follows it. Without prompt
   * writes nothing of it is taken.
   */
  writeLast(queue: OutboundQueue): void {
    const socket = this.#socket;
    if (socket === null || this.#prompt?.arePossible !== true) return;
    this.#output.takeAll();
    for (let slab = queue.head; slab !== null; slab = queue.head) {
      if (this.#output.length > lastBytesMax) return;
      const count = slab.end - slab.start;
      this.#give(socket, slab.bytes, slab.start, count);
      queue.consume(count);
    }
  }

  /** Says close_notify behind everything. */
  end(): void {
    this.#socket?.end();
    this.finishWrites();
  }
}
