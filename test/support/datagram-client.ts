import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { targetOf } from 'gnet/testing';
import type { TestScope } from './rig.ts';
import { waitUntil } from './wait-until.ts';

/** One datagram socket on loopback that remembers what came. */
export class DatagramClient {
  readonly socket: Socket;
  readonly received: Buffer[] = [];
  readonly senders: RemoteInfo[] = [];
  readonly #family: 4 | 6;

  private constructor(family: 4 | 6) {
    this.#family = family;
    this.socket = createSocket(family === 4 ? 'udp4' : 'udp6');
    this.socket.on('message', (message, sender) => {
      this.received.push(message);
      this.senders.push(sender);
    });
    this.socket.on('error', () => {}); // what comes back for a closed port
  }

  static async open(t: TestScope, family: 4 | 6 = 4): Promise<DatagramClient> {
    const client = new DatagramClient(family);
    t.after(() => client.close());
    client.socket.bind(0, family === 4 ? '127.0.0.1' : '::1');
    await once(client.socket, 'listening');
    return client;
  }

  get address(): string {
    const { address, port } = this.socket.address();
    return this.#family === 4 ? `${address}:${port}` : `[${address}]:${port}`;
  }

  send(address: string, data: Uint8Array | string): Promise<void> {
    const target = targetOf(address);
    if (!('port' in target)) throw new Error(`send a datagram to ${address}: not an UDP address`);
    return new Promise((resolve, reject) => {
      this.socket.send(data, target.port, target.host, (error) =>
        error ? reject(error) : resolve(),
      );
    });
  }

  /** Waits for one datagram and takes it. */
  async next(): Promise<Buffer> {
    await waitUntil(() => this.received.length > 0, 'a datagram');
    return this.received.shift() as Buffer;
  }

  close(): void {
    try {
      this.socket.close();
    } catch {
      // Closed already.
    }
  }
}
