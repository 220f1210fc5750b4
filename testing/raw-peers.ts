import { createSocket, type Socket } from 'node:dgram';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
} from 'node:fs';
import net from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import type { Endpoint } from '../src/driver/contract.ts';
import type { DatagramPeerSocket, ListenerPeer, PeerSide, Transport } from './driver-peers.ts';
import { printedAddress, RawClient, targetOf } from '../src/testing/raw-client.ts';

const closeOnExec = 0o2000000;

const hasLoopback6 = (): boolean =>
  Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'));

/** What peers with TLS are: both sides are `localhost`. */
export interface PeerCertificates {
  readonly key: string;
  readonly cert: string;
  readonly ca: string;
}

/** The server's side over a socket that was accepted. */
function secured(socket: net.Socket, { key, cert }: PeerCertificates): RawClient {
  return new RawClient(new TLSSocket(socket, { isServer: true, key, cert }), socket);
}

class RawListener implements ListenerPeer {
  readonly accepted: RawClient[] = [];
  ready = false;
  endpoint: Endpoint;
  readonly #server: net.Server;

  constructor(
    endpoint: Endpoint,
    onAccepted: (client: RawClient) => void,
    certificates: PeerCertificates | undefined,
  ) {
    this.endpoint = endpoint;
    this.#server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      const client =
        certificates === undefined ? new RawClient(socket) : secured(socket, certificates);
      this.accepted.push(client);
      onAccepted(client);
    });
    const target = endpoint.kind === 'unix' ? targetOf(endpoint.path) : endpoint;
    this.#server.listen('path' in target ? { path: target.path } : target, () => {
      const bound = this.#server.address();
      if (this.endpoint.kind !== 'unix' && bound !== null && typeof bound === 'object') {
        this.endpoint = { ...this.endpoint, port: bound.port };
      }
      this.ready = true;
    });
  }

  close(): void {
    this.#server.close();
  }
}

class RawDatagramSocket implements DatagramPeerSocket {
  readonly received: Buffer[] = [];
  readonly senders: string[] = [];
  ready = false;
  localAddress = '';
  #closed = false;
  readonly #socket: Socket;

  constructor(family: 4 | 6) {
    this.#socket = createSocket({ type: family === 4 ? 'udp4' : 'udp6' });
    this.#socket.on('message', (message, { address, port }) => {
      this.received.push(message);
      this.senders.push(printedAddress(address, port));
    });
    // What comes back for a closed port is not this side's business.
    this.#socket.on('error', () => {});
    this.#socket.bind(0, family === 4 ? '127.0.0.1' : '::1', () => {
      const { address, port } = this.#socket.address();
      this.localAddress = printedAddress(address, port);
      this.ready = true;
    });
  }

  send(address: string, data: Uint8Array): void {
    const target = targetOf(address);
    if ('port' in target) this.#socket.send(data, target.port, target.host);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close();
  }
}

/** Peers over real sockets of `node:net` and `node:dgram`, on loopback. */
export class RawPeers implements PeerSide {
  readonly exhaustsProcess = true;
  #directory: string | undefined;
  #names = 0;
  readonly #clients: RawClient[] = [];
  readonly #listeners: (RawListener | RawDatagramSocket)[] = [];
  readonly #certificates: PeerCertificates | undefined;

  /** @param certificates streams speak TLS. */
  constructor(certificates?: PeerCertificates) {
    this.#certificates = certificates;
  }

  unsupported(transport: Transport): string | undefined {
    if (transport === 'tcp6' && !hasLoopback6()) return 'this machine has no ::1';
    if (transport === 'abstract' && process.platform !== 'linux') {
      return 'abstract names exist on Linux only';
    }
    return undefined;
  }

  canReset(transport: Transport): boolean {
    return transport === 'tcp4' || transport === 'tcp6';
  }

  endpoint(transport: Transport): Endpoint {
    if (transport === 'tcp4') {
      return { kind: 'tcp', family: 4, v6Only: false, host: '127.0.0.1', port: 0 };
    }
    if (transport === 'tcp6') {
      return { kind: 'tcp', family: 6, v6Only: true, host: '::1', port: 0 };
    }
    const name = `${process.pid}-${this.#names++}-${Math.random().toString(36).slice(2)}`;
    if (transport === 'abstract') return { kind: 'unix', path: `@gnet-test-${name}` };
    this.#directory ??= mkdtempSync(join(tmpdir(), 'gnet-'));
    return { kind: 'unix', path: join(this.#directory, `${this.#names}.sock`) };
  }

  connect(address: string): RawClient {
    const client =
      this.#certificates === undefined
        ? RawClient.begin(address)
        : RawClient.beginTls(address, this.#certificates.ca);
    this.#clients.push(client);
    return client;
  }

  listen(transport: Transport): RawListener {
    const onAccepted = (client: RawClient): void => void this.#clients.push(client);
    const listener = new RawListener(this.endpoint(transport), onAccepted, this.#certificates);
    this.#listeners.push(listener);
    return listener;
  }

  datagramSocket(family: 4 | 6): RawDatagramSocket {
    const socket = new RawDatagramSocket(family);
    this.#listeners.push(socket);
    return socket;
  }

  turn(): void {}

  openDescriptors(): readonly string[] {
    // Wine shows the folder of Linux, where descriptors of Windows are not.
    if (process.platform === 'win32' || !existsSync('/proc/self/fd')) return [];
    const lines: string[] = [];
    for (const number of readdirSync('/proc/self/fd')) {
      try {
        const target = readlinkSync(`/proc/self/fd/${number}`);
        const flags = /flags:\s*(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${number}`, 'utf8'));
        const kept = (Number.parseInt(flags?.[1] ?? '0', 8) & closeOnExec) !== 0;
        lines.push(`${number} ${target} ${kept ? 'close-on-exec' : 'inherited'}`);
      } catch {
        // The descriptor with which the directory itself was read.
      }
    }
    return lines;
  }

  exhaustDescriptors(): () => void {
    const taken: number[] = [];
    try {
      for (;;) taken.push(openSync('/dev/null', 'r'));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EMFILE') throw error;
    }
    return () => {
      for (const descriptor of taken.splice(0)) closeSync(descriptor);
    };
  }

  close(): void {
    for (const client of this.#clients) client.destroy();
    for (const listener of this.#listeners) listener.close();
    if (this.#directory !== undefined) rmSync(this.#directory, { recursive: true, force: true });
  }
}
