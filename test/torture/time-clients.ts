/** Clients of a server whose time is disturbed. Their own time must not be: `longestHoldUp` says so. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Random } from 'gnet/testing';

const messageBytes = 64;
const beatMs = 5;

/** Asks all the while, and checks what comes back. */
class Asking {
  readonly socket: Socket;
  readonly #random: Random;
  readonly #sent: Buffer[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** Bytes that have not come back. */
  owed = 0;
  wrong = '';
  #isOver = false;

  constructor(socket: Socket, random: Random) {
    this.socket = socket;
    this.#random = random;
    socket.on('data', (piece: Buffer) => this.#check(piece));
    socket.on('error', (error) => this.#gone(String(error)));
    socket.on('end', () => this.#gone('its end'));
    socket.on('close', () => this.#gone('its close'));
    this.#ask();
  }

  #gone(what: string): void {
    if (!this.#isOver && this.wrong === '') this.wrong = `${what} comes to who asks`;
    clearTimeout(this.#timer);
  }

  #ask(): void {
    if (this.wrong !== '') return;
    const message = this.#random.bytes(messageBytes);
    this.#sent.push(message);
    this.owed += message.length;
    this.socket.write(message);
    this.#timer = setTimeout(() => this.#ask(), this.#random.between(10, 40));
  }

  #check(piece: Buffer): void {
    let at = 0;
    while (at < piece.length) {
      const next = this.#sent[0];
      if (next === undefined) break;
      const length = Math.min(next.length, piece.length - at);
      if (next.compare(piece, at, at + length, 0, length) !== 0) break;
      at += length;
      this.owed -= length;
      if (length === next.length) this.#sent.shift();
      else this.#sent[0] = next.subarray(length);
    }
    if (at < piece.length) this.wrong = 'other bytes come back';
  }

  /** Asks no more. */
  rest(): void {
    clearTimeout(this.#timer);
  }

  /** From now on an end is no surprise. */
  mayEnd(): void {
    this.#isOver = true;
    this.rest();
    this.socket.on('end', () => this.socket.end());
  }
}

export class TimeClients {
  readonly #asking: Asking[] = [];
  readonly #beat: NodeJS.Timeout;
  #lastBeat = performance.now();
  /** Of this thread; ms. */
  longestHoldUp = 0;
  /** Milliseconds after which the one who is silent was closed; -1 before. */
  silentMs = -1;
  #silent: Socket | undefined;
  #blocking: Socket | undefined;

  private constructor() {
    this.#beat = setInterval(() => {
      const now = performance.now();
      this.longestHoldUp = Math.max(this.longestHoldUp, now - this.#lastBeat);
      this.#lastBeat = now;
    }, beatMs);
  }

  static async open(port: number, count: number, seed: number): Promise<TimeClients> {
    const clients = new TimeClients();
    const open = async (): Promise<Socket> => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
      await once(socket, 'connect');
      return socket;
    };
    for (let index = 0; index < count; index++) {
      clients.#asking.push(new Asking(await open(), new Random(seed + index)));
    }
    const silent = await open();
    const began = performance.now();
    silent.on('error', () => {});
    silent.on('close', () => {
      clients.silentMs = performance.now() - began;
    });
    silent.resume();
    clients.#silent = silent;
    return clients;
  }

  async block(port: number, ms: number): Promise<void> {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    this.#blocking = socket;
    socket.write(`block ${ms}`);
    await once(socket, 'data');
    socket.destroy();
  }

  get wrong(): readonly string[] {
    return this.#asking.map(({ wrong }) => wrong).filter((wrong) => wrong !== '');
  }

  get owed(): number {
    return this.#asking.reduce((sum, { owed }) => sum + owed, 0);
  }

  rest(): void {
    for (const one of this.#asking) one.rest();
  }

  mayEnd(): void {
    for (const one of this.#asking) one.mayEnd();
  }

  close(): void {
    clearInterval(this.#beat);
    this.mayEnd();
    for (const one of this.#asking) one.socket.destroy();
    this.#silent?.destroy();
    this.#blocking?.destroy();
  }
}
