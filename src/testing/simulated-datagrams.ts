import type { SimulatedDatagramPeer } from '../driver/simulated/index.ts';

export interface ReceivedDatagram {
  readonly data: Buffer;
  /** Who sent it, as servers print addresses. */
  readonly from: string;
}

/** What a datagram socket needs of its simulation. */
export interface DatagramSurroundings {
  requestTurn(): void;
  /** Resolves when it is there. @throws when nothing is under way any more. */
  until(wanted: string, isThere: () => boolean): Promise<void>;
}

/** A UDP socket in the hands of a test. */
export class SimulatedDatagrams {
  readonly #peer: SimulatedDatagramPeer;
  readonly #around: DatagramSurroundings;

  /** @internal */
  constructor(peer: SimulatedDatagramPeer, around: DatagramSurroundings) {
    this.#peer = peer;
    this.#around = around;
  }

  /** Its own address, as the server sees it in `remoteAddr`. */
  get localAddress(): string {
    return this.#peer.localAddress;
  }

  /** @param to an address as servers print it: `server.addr`. */
  send(to: string, data: Uint8Array | string): void {
    this.#peer.send(to, typeof data === 'string' ? Buffer.from(data) : data);
    this.#around.requestTurn();
  }

  /** Takes the next datagram that came, or waits for one. @throws when nothing is under way. */
  async receive(): Promise<ReceivedDatagram> {
    const { received, senders } = this.#peer;
    while (received.length === 0) {
      await this.#around.until('receive a datagram', () => received.length > 0);
    }
    return { data: received.shift() as Buffer, from: senders.shift() as string };
  }

  close(): void {
    this.#peer.close();
  }
}
