import { inetAddress } from '../../base/inet-address.ts';
import type { DatagramPeer, Endpoint } from '../contract.ts';
import type { SimulatedEnd } from './channel.ts';

/** Bytes on their way from a channel to the peer that gets a copy of them: never kept. */
const readBuffer = Buffer.allocUnsafeSlow(16 * 1024);

/** The far side of a simulated connection, moved along by the turns of its network. */
export class SimulatedPeer {
  #end: SimulatedEnd | null = null;
  #refused: string | undefined;
  #unsent: Buffer[] = [];
  #finishing = false;
  #reading = true;
  #received: Buffer[] = [];
  receivedBytes = 0;
  ended = false;

  /** The network gives the peer its connection. */
  attach(end: SimulatedEnd): void {
    this.#end = end;
  }

  refuse(code: string): void {
    this.#refused = code;
  }

  get connected(): boolean {
    return this.#end !== null;
  }

  get broken(): string | undefined {
    return this.#refused ?? (this.#end?.broken === true ? 'ECONNRESET' : undefined);
  }

  get localAddress(): string {
    return this.#end?.localAddress ?? '';
  }

  get remoteAddress(): string {
    return this.#end?.remoteAddress ?? '';
  }

  /** Bytes written for which the way was full so far. */
  get unsentBytes(): number {
    return this.#unsent.reduce((sum, piece) => sum + piece.length, 0);
  }

  write(data: Uint8Array): void {
    this.#unsent.push(Buffer.from(data));
  }

  end(): void {
    this.#finishing = true;
  }

  reset(): void {
    this.#unsent = [];
    this.#end?.close(true);
  }

  destroy(): void {
    this.#unsent = [];
    this.#end?.close(false);
  }

  pauseReading(): void {
    this.#reading = false;
  }

  resumeReading(): void {
    this.#reading = true;
  }

  take(): Buffer {
    const bytes = Buffer.concat(this.#received);
    this.#received = [];
    return bytes;
  }

  /** It has nothing to do any more: its connection is gone, or there never was one. */
  get isOver(): boolean {
    return this.#end === null || this.#end.closed || this.#end.broken;
  }

  /** One turn of the network. Returns whether anything moved. */
  step(): boolean {
    const end = this.#end;
    if (end === null || this.isOver) return false;
    const sent = this.#send(end);
    return this.#reading ? this.#receive(end) || sent : sent;
  }

  #send(end: SimulatedEnd): boolean {
    let moved = false;
    while (this.#unsent.length > 0 && end.space > 0 && !end.broken) {
      const piece = this.#unsent[0] as Buffer;
      const count = Math.min(piece.length, end.space);
      end.write(piece.subarray(0, count));
      if (count === piece.length) this.#unsent.shift();
      else this.#unsent[0] = piece.subarray(count);
      moved = true;
    }
    if (this.#finishing && this.#unsent.length === 0 && !end.other.inbound.finished) {
      end.finish();
      moved = true;
    }
    return moved;
  }

  #receive(end: SimulatedEnd): boolean {
    let moved = false;
    while (end.inbound.readable) {
      const count = end.inbound.read(readBuffer, 0, readBuffer.length);
      this.#received.push(Buffer.from(readBuffer.subarray(0, count)));
      this.receivedBytes += count;
      moved = true;
    }
    if (end.inbound.atEnd && !this.ended) {
      this.ended = true;
      moved = true;
    }
    return moved;
  }
}

/** A listening peer, for the outgoing connections of a driver. */
export class SimulatedListenerPeer {
  readonly ready = true;
  readonly endpoint: Endpoint;
  /** Those that nobody has taken yet. */
  readonly accepted: SimulatedPeer[] = [];
  readonly #onClose: () => void;

  constructor(endpoint: Endpoint, onClose: () => void) {
    this.endpoint = endpoint;
    this.#onClose = onClose;
  }

  close(): void {
    this.#onClose();
  }
}

interface DatagramUnderWay {
  readonly from: string;
  readonly bytes: Buffer;
  readonly due: number;
}

const portOf = (address: string): string => address.slice(address.lastIndexOf(':'));

/** Datagrams that wait for one socket: bounded, the newest are dropped, as the kernel does. */
export class SimulatedInbox {
  readonly address: string;
  readonly #limit: number;
  /** Connected to this address: nobody else is heard. */
  readonly #only: string | null;
  #waiting: DatagramUnderWay[] = [];

  constructor(address: string, limit: number, only: string | null) {
    this.address = address;
    this.#limit = limit;
    this.#only = only;
  }

  deliver(from: string, bytes: Uint8Array, due: number): void {
    if (this.#hears(from) && this.#waiting.length < this.#limit) {
      this.#waiting.push({ from, bytes: Buffer.from(bytes), due });
    }
  }

  /** Who is bound to every host sends from the one that it was called at. */
  #hears(from: string): boolean {
    if (this.#only === null || from === this.#only) return true;
    return /^(?:0\.0\.0\.0|\[::\]):/.test(from) && portOf(from) === portOf(this.#only);
  }

  get underWay(): boolean {
    return this.#waiting.length > 0;
  }

  /** The oldest one that has arrived; later ones may overtake those that are still under way. */
  next(turn: number): DatagramUnderWay | undefined {
    const index = this.#waiting.findIndex((datagram) => datagram.due <= turn);
    return index === -1 ? undefined : this.#waiting.splice(index, 1)[0];
  }
}

export class SimulatedDatagramPeer {
  readonly ready = true;
  readonly localAddress: string;
  readonly received: Buffer[] = [];
  readonly senders: string[] = [];
  readonly inbox: SimulatedInbox;
  readonly #send: (to: string, data: Uint8Array) => void;
  readonly #onClose: () => void;

  constructor(
    inbox: SimulatedInbox,
    send: (to: string, data: Uint8Array) => void,
    onClose: () => void,
  ) {
    this.inbox = inbox;
    this.localAddress = inbox.address;
    this.#send = send;
    this.#onClose = onClose;
  }

  send(address: string, data: Uint8Array): void {
    this.#send(address, data);
  }

  step(turn: number): boolean {
    let moved = false;
    for (let next = this.inbox.next(turn); next !== undefined; next = this.inbox.next(turn)) {
      this.received.push(next.bytes);
      this.senders.push(next.from);
      moved = true;
    }
    return moved;
  }

  close(): void {
    this.#onClose();
  }
}

/** The peer that `127.0.0.1:9` or `[::1]:9` stands for. */
export function parsePeer(address: string): DatagramPeer {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon).replace(/[[\]]/g, '');
  return inetAddress(host.includes(':') ? 6 : 4, host, Number(address.slice(colon + 1)));
}
