import type { SimulatedPeer } from '../driver/simulated/index.ts';
import { TestClient, type TestClientOptions } from './test-client.ts';

export interface SimulatedClientOptions<Frame = Buffer> extends TestClientOptions<Frame> {
  /**
   * When the other side ends, this one stays open until the test calls `end`. Default: `false`, it
   * ends, too.
   */
  readonly allowHalfOpen?: boolean;
}

/** What a client needs of its simulation. */
export interface ClientSurroundings {
  /** Something was done: turns are needed. */
  requestTurn(): void;
}

/** The far side of a simulated connection. */
export class SimulatedClient<Frame = Buffer> extends TestClient<Frame> {
  readonly #peer: SimulatedPeer;
  readonly #around: ClientSurroundings;
  readonly #closesAtEnd: boolean;

  /** @internal */
  constructor(
    peer: SimulatedPeer,
    around: ClientSurroundings,
    options: SimulatedClientOptions<Frame> = {},
  ) {
    super(options);
    this.#peer = peer;
    this.#around = around;
    this.#closesAtEnd = options.allowHalfOpen !== true;
  }

  /** Its own end, as the server sees it in `remoteAddr`. */
  get localAddress(): string {
    return this.#peer.localAddress;
  }

  write(data: Uint8Array | string): void {
    this.#peer.write(typeof data === 'string' ? Buffer.from(data) : data);
    this.#around.requestTurn();
  }

  /** Bytes that were written and could not leave yet, since the other side does not read. */
  get unsentBytes(): number {
    return this.#peer.unsentBytes;
  }

  end(): void {
    this.#peer.end();
    this.#around.requestTurn();
  }

  reset(): void {
    this.#peer.reset();
    this.#isGone();
  }

  destroy(): void {
    this.#peer.destroy();
    this.#isGone();
  }

  #isGone(): void {
    this.closed = true;
    this.changed();
    this.#around.requestTurn();
  }

  pauseReading(): void {
    this.#peer.pauseReading();
  }

  resumeReading(): void {
    this.#peer.resumeReading();
    this.#around.requestTurn();
  }

  /** @internal After each turn. Returns false once nothing can come any more. */
  look(): boolean {
    const { receivedBytes, ended, broken, unsentBytes } = this.#peer;
    const before = [this.receivedBytes, this.ended, this.broken];
    if (receivedBytes > this.receivedBytes) this.came(this.#peer.take());
    this.ended = ended;
    this.broken = broken;
    const isOver = broken !== undefined || (ended && this.#closesAtEnd && unsentBytes === 0);
    if (isOver && !this.closed) this.destroy();
    else if (String(before) !== String([this.receivedBytes, ended, broken])) this.changed();
    return !this.closed;
  }

  protected override untilChange(wanted: () => string): Promise<void> {
    // What has come to rest says so once more.
    this.#around.requestTurn();
    return super.untilChange(wanted);
  }

  /** @internal Nothing will come by itself. */
  atRest(why: string): void {
    this.giveUp(why);
  }
}
