import { type CodecOption, codecFor, type ICodec } from '../codec/index.ts';
import { ByteSource } from './byte-source.ts';

interface Waiter {
  readonly wanted: () => string;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export interface TestClientOptions<Frame = Buffer> {
  /** For `readFrame`, `writeFrame` and `expectFrames`. */
  readonly codec?: CodecOption<Frame> | undefined;
}

/**
 * The far side of a connection, in the hands of a test: it does what it is told and no more. It can be
 * looked at (`receivedBytes`, `ended`, `broken`) or awaited (`readExactly`, `readFrame`).
 */
export abstract class TestClient<Frame = Buffer> {
  readonly #codec: ICodec<Frame> | undefined;
  #received: Buffer[] = [];
  #receivedLength = 0;
  /** What `readFrame` has looked at and no frame has used up yet. */
  readonly #source = new ByteSource();
  #waiters: Waiter[] = [];
  /** Bytes that have come, in all. */
  receivedBytes = 0;
  /** The other side has ended in order. */
  ended = false;
  /** The connection is gone, in whatever way. */
  closed = false;
  /** The errno name with which it broke or was refused: `ECONNRESET`, `ECONNREFUSED`, ... */
  broken: string | undefined;

  constructor(options: TestClientOptions<Frame>) {
    const { codec } = options;
    this.#codec = codec === undefined ? undefined : (codecFor(codec)() as ICodec<Frame>);
  }

  // -- for those that know of bytes ---------------------------------------------------------------
  protected came(bytes: Buffer): void {
    this.#received.push(bytes);
    this.#receivedLength += bytes.length;
    this.receivedBytes += bytes.length;
  }

  /** Whoever waits looks again. */
  protected changed(): void {
    for (const { resolve } of this.#waiters.splice(0)) resolve();
  }

  /** Nothing will change any more: who waits hears what for. */
  protected giveUp(why: string): void {
    for (const { wanted, reject } of this.#waiters.splice(0)) {
      reject(new Error(`cannot ${wanted()}; ${why}`));
    }
  }

  /** Resolves when something may have changed. */
  protected untilChange(wanted: () => string): Promise<void> {
    return new Promise((resolve, reject) => this.#waiters.push({ wanted, resolve, reject }));
  }

  // -- writing ------------------------------------------------------------------------------------
  /** Sends the bytes as they are. */
  abstract write(data: Uint8Array | string): void;

  /** Sends the payload as one frame of the codec. @throws what `encode` throws. */
  writeFrame(payload: Uint8Array | string): void {
    const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
    this.write(this.#mustHaveCodec('writeFrame').encode(this.#source, bytes));
  }

  /** Sends the end after everything that was written; goes on receiving. */
  abstract end(): void;
  /** Breaks the connection at once, so that the other side sees `ECONNRESET`. */
  abstract reset(): void;
  /** Closes without sending what still waits. */
  abstract destroy(): void;

  // -- reading ------------------------------------------------------------------------------------
  /** Reads nothing from now on: what the other side sends waits, until it cannot send any more. */
  abstract pauseReading(): void;
  abstract resumeReading(): void;

  /** Bytes that have come and were not taken yet. */
  get #waitingBytes(): number {
    return this.#source.bufferLength() + this.#receivedLength;
  }

  /** Takes all that has come, without waiting. */
  take(): Buffer {
    const bytes = Buffer.concat([this.#source.read(), ...this.#received]);
    this.#source.resetBuffer();
    this.#received = [];
    this.#receivedLength = 0;
    return bytes;
  }

  /** Waits for `count` bytes and takes them. @throws when the connection ends before. */
  async readExactly(count: number): Promise<Buffer> {
    await this.#until(
      () => this.#waitingBytes >= count,
      () => `read ${count} bytes: only ${this.#waitingBytes} came`,
    );
    if (this.#waitingBytes < count) {
      throw new Error(`read ${count} bytes: only ${this.#waitingBytes} came, then ${this.#how}`);
    }
    const bytes = this.take();
    const rest = bytes.subarray(count);
    if (rest.length > 0) this.#received.push(rest);
    this.#receivedLength = rest.length;
    return bytes.subarray(0, count);
  }

  /** Waits for the next frame of the codec and takes it. @throws when the connection ends before. */
  async readFrame(): Promise<Frame> {
    const codec = this.#mustHaveCodec('readFrame');
    for (;;) {
      if (this.#receivedLength > 0) this.#source.receive(this.#takeReceived());
      const frame = codec.decode(this.#source);
      // What it lends is gone with the next bytes.
      if (frame !== null) return Buffer.isBuffer(frame) ? (Buffer.from(frame) as Frame) : frame;
      const waiting = (): string =>
        `read a frame: only ${this.#source.bufferLength()} bytes of one came`;
      if (this.#isOver) throw new Error(`${waiting()}, then ${this.#how}`);
      await this.untilChange(waiting);
    }
  }

  #takeReceived(): Buffer {
    const bytes = Buffer.concat(this.#received);
    this.#received = [];
    this.#receivedLength = 0;
    return bytes;
  }

  /** Waits for the end and takes everything. @throws when the connection breaks instead. */
  async readUntilEnd(): Promise<Buffer> {
    await this.#until(
      () => this.ended,
      () => `read until the end: ${this.#waitingBytes} bytes came`,
    );
    if (!this.ended) throw new Error(`read until the end: ${this.#how} came first`);
    return this.take();
  }

  /** Waits until the connection is gone, in whatever way. */
  async untilClosed(): Promise<void> {
    while (!this.closed) await this.untilChange(() => 'wait for the close');
  }

  /** Waits for the condition, or until nothing more can come. */
  async #until(condition: () => boolean, wanted: () => string): Promise<void> {
    while (!condition() && !this.#isOver) await this.untilChange(wanted);
  }

  get #isOver(): boolean {
    return this.ended || this.broken !== undefined || this.closed;
  }

  get #how(): string {
    return this.broken ?? (this.ended ? 'it ended' : 'closed');
  }

  #mustHaveCodec(what: string): ICodec<Frame> {
    if (this.#codec !== undefined) return this.#codec;
    throw new Error(`cannot ${what}: the client has no codec; give it one when it connects`);
  }
}
