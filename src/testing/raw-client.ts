import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import { pipePath } from '../driver/node/pipe-path.ts';
import { TestClient, type TestClientOptions } from './test-client.ts';

/** What a server printed as its address, as `node:net` wants it. */
export function targetOf(address: string): { host: string; port: number } | { path: string } {
  const match = /^\[?(.*?)\]?:(\d+)$/.exec(address);
  const isPath = match === null || address.startsWith('@') || address.includes('/');
  if (isPath) return { path: pipePath(address) };
  const [, host = '', port = ''] = match;
  const reachable = { '0.0.0.0': '127.0.0.1', '::': '::1' }[host] ?? host;
  return { host: reachable, port: Number(port) };
}

/** In the form that drivers print: `127.0.0.1:9000`, `[::1]:9000`, `@` for an unnamed peer. */
export function printedAddress(host: string | undefined, port: number | undefined): string {
  if (host === undefined || port === undefined) return '@';
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** A client over a real socket of `node:net` or `node:tls`: no framing, no reconnecting. */
export class RawClient<Frame = Buffer> extends TestClient<Frame> {
  readonly socket: net.Socket;
  /** The socket in clear: the same one without TLS. */
  readonly #plain: net.Socket;
  #localAddress = '';
  connected = false;

  /**
   * @param socket may still be connecting; must allow half-open connections.
   * @param plain the one that it stands on, with TLS.
   */
  constructor(
    socket: net.Socket,
    plain: net.Socket = socket,
    options: TestClientOptions<Frame> = {},
  ) {
    super(options);
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
      this.came(bytes);
      this.changed();
    });
    socket.on('end', () => {
      this.ended = true;
      this.changed();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.broken = error.code ?? error.message;
      this.changed();
    });
    socket.on('close', () => {
      this.closed = true;
      this.changed();
    });
  }

  /** Begins to connect to an address in the form that servers print. */
  static begin<Frame = Buffer>(
    address: string,
    options?: TestClientOptions<Frame>,
  ): RawClient<Frame> {
    const socket = net.connect({ ...targetOf(address), allowHalfOpen: true, noDelay: true });
    return new RawClient(socket, socket, options);
  }

  /**
   * Connects to an address in the form that servers print: `127.0.0.1:9000`, `[::1]:9000`, a path, an
   * abstract name (`@name`). @throws the error of the connection: ECONNREFUSED, ...
   */
  static async connect<Frame = Buffer>(
    address: string,
    options?: TestClientOptions<Frame>,
  ): Promise<RawClient<Frame>> {
    const client = RawClient.begin(address, options);
    if (!client.connected) await once(client.socket, 'connect');
    return client;
  }

  /** Begins with TLS, to a server for `localhost` that `ca` vouches for. */
  static beginTls(address: string, ca: string): RawClient {
    const plain = net.connect({ ...targetOf(address), allowHalfOpen: true, noDelay: true });
    return new RawClient(tls.connect({ socket: plain, ca, servername: 'localhost' }), plain);
  }

  /**
   * Connects with TLS to a server for `localhost` that `ca`, in PEM, vouches for.
   * @throws the error of the connection, or of the handshake.
   */
  static async connectTls(address: string, ca: string): Promise<RawClient> {
    const client = RawClient.beginTls(address, ca);
    await once(client.socket, 'secureConnect');
    return client;
  }

  #onConnect(): void {
    this.connected = true;
    this.#localAddress = printedAddress(this.#plain.localAddress, this.#plain.localPort);
    this.changed();
  }

  /** Its own end, in the form that servers print; valid once `connected`. */
  get localAddress(): string {
    return this.#localAddress;
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
}
