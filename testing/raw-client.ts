import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import type { StreamPeer } from './driver-peers.ts';

/** What a server printed as its address, as `node:net` wants it. */
export function targetOf(address: string): { host: string; port: number } | { path: string } {
  if (address.startsWith('@')) return { path: `\0${address.slice(1)}` };
  const match = /^\[?(.*?)\]?:(\d+)$/.exec(address);
  if (match === null || address.includes('/')) return { path: address };
  const [, host = '', port = ''] = match;
  const reachable = { '0.0.0.0': '127.0.0.1', '::': '::1' }[host] ?? host;
  return { host: reachable, port: Number(port) };
}

/** In the form that drivers print: `127.0.0.1:9000`, `[::1]:9000`, `@` for an unnamed peer. */
export function printedAddress(host: string | undefined, port: number | undefined): string {
  if (host === undefined || port === undefined) return '@';
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * A client over `node:net` that does what it is told and no more: no framing, no reconnecting. It can
 * be looked at (`receivedBytes`, `ended`, `broken`) or awaited (`readExactly`, `readUntilEnd`).
 */
export class RawClient implements StreamPeer {
  readonly socket: net.Socket;
  /** The socket in clear: the same one without TLS. */
  readonly #plain: net.Socket;
  #received: Buffer[] = [];
  #waitingBytes = 0;
  #taken = 0;
  #localAddress = '';
  #onChange: (() => void)[] = [];
  connected = false;
  ended = false;
  /** The socket is gone, in whatever way. */
  closed = false;
  broken: string | undefined;

  /**
   * @param socket may still be connecting; must allow half-open connections.
   * @param plain the one that it stands on, with TLS.
   */
  constructor(socket: net.Socket, plain: net.Socket = socket) {
    this.socket = socket;
    this.#plain = plain;
    if (plain !== socket) {
      plain.on('error', () => {}); // told by the other one
      // A client's side tells the one, a server's the other alone.
      socket.on('secureConnect', () => this.#onConnect());
      socket.on('secure', () => this.#onConnect());
    } else {
      if (!socket.connecting) this.#onConnect();
      socket.on('connect', () => this.#onConnect());
    }
    socket.on('data', (bytes: Buffer) => {
      this.#received.push(bytes);
      this.#waitingBytes += bytes.length;
      this.#changed();
    });
    socket.on('end', () => {
      this.ended = true;
      this.#changed();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.broken = error.code ?? error.message;
      this.#changed();
    });
    socket.on('close', () => {
      this.closed = true;
      this.#changed();
    });
  }

  /** Begins to connect to an address in the form that servers print. */
  static begin(address: string): RawClient {
    const target = targetOf(address);
    return new RawClient(net.connect({ ...target, allowHalfOpen: true, noDelay: true }));
  }

  /** @throws the error of the connection: ECONNREFUSED, ... */
  static async connect(address: string): Promise<RawClient> {
    const client = RawClient.begin(address);
    if (!client.connected) await once(client.socket, 'connect');
    return client;
  }

  /** Begins with TLS, to a server for `localhost` that `ca` vouches for. */
  static beginTls(address: string, ca: string): RawClient {
    const plain = net.connect({ ...targetOf(address), allowHalfOpen: true, noDelay: true });
    return new RawClient(tls.connect({ socket: plain, ca, servername: 'localhost' }), plain);
  }

  /** @throws the error of the connection, or of the handshake. */
  static async connectTls(address: string, ca: string): Promise<RawClient> {
    const client = RawClient.beginTls(address, ca);
    await once(client.socket, 'secureConnect');
    return client;
  }

  #onConnect(): void {
    this.connected = true;
    this.#localAddress = printedAddress(this.#plain.localAddress, this.#plain.localPort);
    this.#changed();
  }

  #changed(): void {
    const waiting = this.#onChange;
    this.#onChange = [];
    for (const look of waiting) look();
  }

  get localAddress(): string {
    return this.#localAddress;
  }

  get receivedBytes(): number {
    return this.#taken + this.#waitingBytes;
  }

  // -- writing ------------------------------------------------------------------------------------
  write(data: Uint8Array | string): void {
    this.socket.write(data);
  }

  /** Resolves when the kernel took everything. */
  send(data: Uint8Array | string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.socket.write(data, (error) => (error ? reject(error) : resolve()));
    });
  }

  end(): void {
    this.socket.end();
  }

  reset(): void {
    this.#plain.resetAndDestroy();
  }

  destroy(): void {
    this.socket.destroy();
  }

  // -- reading ------------------------------------------------------------------------------------
  pauseReading(): void {
    this.socket.pause();
  }

  resumeReading(): void {
    this.socket.resume();
  }

  take(): Buffer {
    const bytes = Buffer.concat(this.#received);
    this.#received = [];
    this.#taken += bytes.length;
    this.#waitingBytes = 0;
    return bytes;
  }

  /** Waits for `count` bytes and takes them. @throws when the connection ends before. */
  async readExactly(count: number): Promise<Buffer> {
    await this.#until(() => this.#waitingBytes >= count);
    if (this.#waitingBytes < count) {
      const why = this.broken ?? 'it ended';
      throw new Error(`read ${count} bytes: only ${this.#waitingBytes} came, then ${why}`);
    }
    const bytes = this.take();
    const rest = bytes.subarray(count);
    if (rest.length > 0) this.#received.push(rest);
    this.#waitingBytes = rest.length;
    this.#taken -= rest.length;
    return bytes.subarray(0, count);
  }

  /** Waits for the end and takes everything. @throws when the connection breaks instead. */
  async readUntilEnd(): Promise<Buffer> {
    await this.#until(() => this.ended);
    if (!this.ended) throw new Error(`read until the end: ${this.broken ?? 'closed'} came first`);
    return this.take();
  }

  /** Waits until the socket is gone, in whatever way. */
  async untilClosed(): Promise<void> {
    while (!this.closed) await new Promise<void>((resolve) => this.#onChange.push(resolve));
  }

  /** Waits for the condition, or until nothing more can come. */
  async #until(condition: () => boolean): Promise<void> {
    const over = (): boolean => this.ended || this.broken !== undefined || this.closed;
    while (!condition() && !over()) {
      await new Promise<void>((resolve) => this.#onChange.push(resolve));
    }
  }
}
