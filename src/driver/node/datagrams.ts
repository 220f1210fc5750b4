import {
  createSocket,
  type RemoteInfo,
  type Socket,
  type SocketOptions as UdpOptions,
} from 'node:dgram';
import { networkInterfaces } from 'node:os';
import { assert } from '../../base/assert.ts';
import { ErrUnsupportedOp, GnetError } from '../../base/errors.ts';
import {
  emptyInetAddress,
  formatHost,
  formatInet,
  type InetAddress,
  inetAddress,
} from '../../base/inet-address.ts';
import { nextTurn } from '../../base/next-turn.ts';
import { datagramReusePortMissing } from '../../host/runtime-features.ts';
import type {
  DatagramExtras,
  DatagramPeer,
  Endpoint,
  Membership,
  SocketOptions,
} from '../contract.ts';
import { refusedBecause, type SendingSocket } from '../datagram-rules.ts';
import { markTaken } from '../given-sockets.ts';
import { interfaceName, noInterface } from '../network-interface.ts';
import { addressText, endpointText } from './address-text.ts';
import { refuseWhatCannotBe, requireReusePort } from './open-listener.ts';
import type { Reporter, ReporterOwner } from './reporter.ts';
import { runtimeError } from './runtime-error.ts';

/** What the kernel has not taken, in its own words. */
const noRoom = { code: 'ENOBUFS' };

/** Datagrams reported per endpoint and wait. */
const batchMax = 64;
/** What waits to be reported; more is dropped, as a kernel does when its buffer is full. */
const waitingMax = 1_024;
/** Bytes the runtime may hold of one endpoint for the kernel. */
const outgoingBytesMax = 4 * 1_024 * 1_024;
/** Peers whose texts are remembered. */
const namesMax = 4_096;

interface Waiting {
  readonly bytes: Buffer;
  readonly from: RemoteInfo;
}

/** Addresses as texts and as words; who sends once mostly sends again. */
class PeerNames {
  readonly #byText = new Map<string, InetAddress>();
  readonly #byWords = new Map<string, string>();
  /** Zones of link-local addresses; a peer's `scope` is a place in this list. */
  readonly #zones: string[] = [''];

  /** Fills `into` from what the runtime says. */
  read(host: string, port: number, into: DatagramPeer): void {
    let address = this.#byText.get(host);
    if (address === undefined) {
      const [literal = '', zone = ''] = host.split('%');
      address = inetAddress(literal.includes(':') ? 6 : 4, literal, 0);
      address.scope = this.#zoneNumber(zone);
      if (this.#byText.size >= namesMax) this.#byText.clear();
      this.#byText.set(host, address);
    }
    Object.assign(into, address);
    into.port = port;
  }

  #zoneNumber(zone: string): number {
    const known = this.#zones.indexOf(zone);
    return known === -1 ? this.#zones.push(zone) - 1 : known;
  }

  /** The host of a peer as the runtime wants it. */
  hostOf(peer: DatagramPeer): string {
    const { family, word0, word1, word2, word3, scope } = peer;
    const key = `${family} ${word0} ${word1} ${word2} ${word3} ${scope}`;
    let host = this.#byWords.get(key);
    if (host === undefined) {
      host = formatHost(peer);
      // A socket of IPv6 wants its IPv4 peers mapped.
      if (family === 6 && !host.includes(':')) host = `::ffff:${host}`;
      const zone = this.#zones[scope] ?? '';
      if (zone !== '') host += `%${zone}`;
      if (this.#byWords.size >= namesMax) this.#byWords.clear();
      this.#byWords.set(key, host);
    }
    return host;
  }
}

interface Failure {
  readonly error: GnetError;
  readonly peer: DatagramPeer | null;
}

type OnSent = (error: Error | null) => void;

/** What the runtime holds of a socket for the kernel. */
interface Outgoing {
  readonly byteLength: number;
  /** What to call once those bytes are sent. */
  sending(byteLength: number, onSent: OnSent): OnSent;
}

/** By the runtime's own account, or by ours where it keeps none (Deno). */
function outgoingOf(socket: Socket): Outgoing {
  if (typeof socket.getSendQueueSize === 'function') {
    return {
      get byteLength() {
        return socket.getSendQueueSize();
      },
      sending: (_, onSent) => onSent,
    };
  }
  let held = 0;
  return {
    get byteLength() {
      return held;
    },
    sending(byteLength, onSent) {
      held += byteLength;
      return (error) => {
        held -= byteLength;
        onSent(error);
      };
    },
  };
}

/** The runtime reads some 32 datagrams a turn, and a kernel holds some thousand. */
const settleTurnsMax = 256;

/** A bound socket of `node:dgram`. It receives without being asked: what comes early waits here. */
class NodeEndpoint implements Reporter {
  queued = false;
  readonly address: string;
  /** Why the last datagram was not taken. */
  refusal: () => GnetError = () => runtimeError(noRoom, 'send', 'send a datagram', '');
  readonly #owner: ReporterOwner;
  readonly #names: PeerNames;
  readonly #id: number;
  readonly #socket: Socket;
  readonly #peer: DatagramPeer = emptyInetAddress();
  readonly #outgoing: Outgoing;
  readonly #bound: SendingSocket;
  /** The one that the socket is connected to. */
  readonly #connectedTo: string | null;
  #failures: Failure[] = [];
  #waiting: Waiting[] = [];
  #cameCount = 0;
  #receiving = false;
  #drained = false;
  #closed = false;

  constructor(
    owner: ReporterOwner,
    names: PeerNames,
    id: number,
    socket: Socket,
    bound: SendingSocket,
    connectedTo: string | null,
  ) {
    this.#bound = bound;
    this.#connectedTo = connectedTo;
    this.#owner = owner;
    this.#names = names;
    this.#id = id;
    this.#socket = socket;
    this.#outgoing = outgoingOf(socket);
    const { address, port } = socket.address();
    this.address = addressText(address, port);
    socket.on('message', (bytes, from) => this.#came(bytes, from));
    // What comes back for datagrams that were sent. None of it ends an endpoint.
    socket.on('error', (error) => {
      // It comes ahead of the datagrams that wait.
      this.#cameCount++;
      if (this.#connectedTo !== null) this.#failed(error, 'recvmsg', this.#connectedTo, null);
    });
  }

  #failed(error: Error, call: string, address: string, peer: DatagramPeer | null): void {
    if (this.#closed || this.#failures.length >= batchMax) return;
    const action = `reach ${address} by datagrams`;
    this.#failures.push({ error: runtimeError(error, call, action, address), peer });
    this.#owner.enqueue(this);
  }

  #came(bytes: Buffer, from: RemoteInfo): void {
    if (this.#closed || this.#drained) return;
    this.#cameCount++;
    if (this.#waiting.length >= waitingMax) {
      this.#owner.counters.datagramsOverflowed++;
      return;
    }
    this.#waiting.push({ bytes, from });
    if (this.#receiving) this.#owner.enqueue(this);
  }

  start(): void {
    this.#receiving = true;
    if (this.#waiting.length > 0) this.#owner.enqueue(this);
  }

  /**
   * Gives the runtime, which reads a few datagrams a turn, the turns to read what has arrived: until
   * two bring none, or as many as a peer that goes on sending could fill.
   */
  async settle(): Promise<void> {
    for (let turn = 0, quiet = 0; turn < settleTurnsMax && quiet < 2; turn++) {
      const before = this.#cameCount;
      await nextTurn();
      quiet = this.#cameCount === before ? quiet + 1 : 0;
    }
  }

  /** Hands out what the runtime has read. */
  drain(): void {
    this.#drained = true;
    while (this.#waiting.length > 0 && !this.#closed) this.report();
  }

  report(): number {
    const batch = this.#receiving || this.#drained ? this.#waiting.splice(0, batchMax) : [];
    let count = 0;
    for (const { peer, error } of this.#failures.splice(0)) {
      if (this.#closed) return count;
      count++;
      this.#owner.events.datagramFailed(this.#id, peer, error);
    }
    for (const { bytes, from } of batch) {
      if (this.#closed) return count;
      count++;
      this.#handOut(bytes, from);
    }
    if (this.#waiting.length > 0 && this.#receiving) this.#owner.enqueue(this);
    return count;
  }

  #handOut(bytes: Buffer, from: RemoteInfo): void {
    const owner = this.#owner;
    const slab = owner.readSlab();
    const start = owner.headroomBytes;
    const length = Math.min(bytes.length, owner.readBytes);
    bytes.copy(slab.bytes, start, 0, length);
    owner.counters.bytesReceived += length;
    owner.counters.datagramsReceived++;
    this.#names.read(from.address, from.port, this.#peer);
    const truncated = length < bytes.length;
    // The runtime does not tell to which of our addresses it was sent.
    owner.events.datagram(this.#id, slab, start, start + length, this.#peer, truncated, null);
  }

  /** Takes a copy: the runtime may keep it until the kernel has room. */
  send(peer: DatagramPeer, bytes: Uint8Array): boolean {
    const { counters } = this.#owner;
    // The runtime would say so later, or throw.
    const why = refusedBecause(this.#bound, peer, bytes.length);
    if (why !== null) return this.#refuse(peer, { code: why });
    const full = this.#outgoing.byteLength + bytes.length > outgoingBytesMax;
    if (full) return this.#refuse(peer, noRoom);
    const copy = Buffer.from(bytes);
    const tells = this.#connectedTo !== null || this.#owner.tellsDatagramErrors;
    const heard = tells ? this.#onSentTo(peer) : this.#onSent;
    const onSent = this.#outgoing.sending(copy.length, heard);
    if (this.#connectedTo !== null) this.#socket.send(copy, onSent);
    else this.#socket.send(copy, peer.port, this.#names.hostOf(peer), onSent);
    counters.bytesSent += bytes.length;
    return true;
  }

  readonly #onSent = (error: Error | null): void => {
    if (error !== null) this.#owner.counters.datagramsDropped++;
  };

  #onSentTo(peer: DatagramPeer): OnSent {
    const { family, port, word0, word1, word2, word3, scope } = peer;
    const to = { family, port, word0, word1, word2, word3, scope };
    return (error) => {
      this.#onSent(error);
      const connected = this.#connectedTo;
      if (error !== null) {
        this.#failed(error, 'send', connected ?? formatInet(to), connected === null ? to : null);
      }
    };
  }

  #refuse(peer: DatagramPeer, why: { readonly code: string }): false {
    this.#owner.counters.datagramsDropped++;
    const text = formatInet(peer);
    this.refusal = () => runtimeError(why, 'send', `send a datagram to ${text}`, text);
    return false;
  }

  changeMembership(joins: boolean, membership: Membership): void {
    const { group, source } = membership;
    const through = membership.interface;
    const named = through === undefined ? undefined : multicastAddress(through, group);
    const socket = this.#socket;
    try {
      if (source === undefined) {
        if (joins) socket.addMembership(group, named);
        else socket.dropMembership(group, named);
      } else if (joins) socket.addSourceSpecificMembership(source, group, named);
      else socket.dropSourceSpecificMembership(source, group, named);
    } catch (error) {
      if (joins && (error as NodeJS.ErrnoException).code === 'EADDRINUSE') return;
      throw runtimeError(error, 'setsockopt', `${joins ? 'join' : 'leave'} ${group}`, group);
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#waiting = [];
    this.#socket.close();
  }
}

/** The interface as the runtime wants it for that group: an address, or a zone. */
function multicastAddress(nameOrAddress: string, group: string): string {
  const name = interfaceName(nameOrAddress);
  if (group.includes(':')) return `::%${name}`;
  const own = networkInterfaces()[name]?.find(({ family }) => family === 'IPv4');
  if (own === undefined) throw noInterface(nameOrAddress);
  return own.address;
}

/** What the runtime has no call for is refused; offload only makes no difference here. */
function setExtras(socket: Socket, endpoint: UdpEndpoint, extras: DatagramExtras): void {
  for (const name of ['dontFragment', 'typeOfService', 'receiveTypeOfService'] as const) {
    if (extras[name] === undefined || extras[name] === false) continue;
    throw new ErrUnsupportedOp(
      `cannot set udp.${name}: the driver 'node' cannot; use a native driver for that`,
    );
  }
  const { multicastInterface, multicastLoop, multicastTtl } = extras;
  if (multicastLoop !== undefined) socket.setMulticastLoopback(multicastLoop);
  if (multicastTtl !== undefined) socket.setMulticastTTL(multicastTtl);
  if (multicastInterface !== undefined) {
    socket.setMulticastInterface(
      multicastAddress(multicastInterface, endpoint.family === 4 ? '' : ':'),
    );
  }
}

type UdpEndpoint = Endpoint & { readonly kind: 'udp' | 'tcp' };

/** Hosts are literals: asking for their address would only take a turn of the runtime. */
const literalLookup = (
  host: string,
  options: unknown,
  callback?: (error: null, address: string, family: number) => void,
): void => {
  const answer = typeof options === 'function' ? (options as typeof callback) : callback;
  answer?.(null, host, host.includes(':') ? 6 : 4);
};

/** One that is to be connected takes any port. */
function bind(socket: Socket, { connects, given, host, port }: UdpEndpoint): Promise<void> {
  const fd = given?.[0]?.descriptor;
  const named = fd === undefined ? { address: host, port } : { fd };
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind({ ...(connects ? { port: 0 } : named), exclusive: true }, () => {
      socket.off('error', reject);
      resolve();
    });
  });
}

function connect(socket: Socket, { host, port }: UdpEndpoint): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    // The runtime tells a failure here, and not by an event, against what its types say.
    const done = (error?: Error): void => {
      socket.off('error', reject);
      if (error === undefined) resolve();
      else reject(error);
    };
    socket.connect(port, host, done);
  });
}

async function openEndpoint(endpoint: UdpEndpoint, options: SocketOptions): Promise<Socket> {
  requireReusePort(options, datagramReusePortMissing());
  const address = endpointText(endpoint);
  const settings: UdpOptions = {
    type: endpoint.family === 4 ? 'udp4' : 'udp6',
    ipv6Only: endpoint.v6Only,
    lookup: literalLookup as NonNullable<UdpOptions['lookup']>,
    ...(options.reusePort ? { reusePort: true } : {}),
    ...(options.receiveBufferBytes > 0 ? { recvBufferSize: options.receiveBufferBytes } : {}),
    ...(options.sendBufferBytes > 0 ? { sendBufferSize: options.sendBufferBytes } : {}),
  };
  const socket = createSocket(settings);
  const given = endpoint.given?.[0];
  // The runtime may fail after it took the descriptor: the close below is the descriptor's, too.
  if (given !== undefined) markTaken(given);
  try {
    await bind(socket, endpoint);
    // Before it is connected: the address of a broadcast is refused without.
    socket.setBroadcast(true);
    if (endpoint.connects) await connect(socket, endpoint);
    if (options.datagrams !== undefined) setExtras(socket, endpoint, options.datagrams);
    return socket;
  } catch (error) {
    socket.on('error', () => {});
    socket.close();
    if (error instanceof GnetError) throw error;
    const action = endpoint.connects ? `dial ${address} by datagrams` : `listen on ${address}`;
    throw runtimeError(error, endpoint.connects ? 'connect' : 'bind', action, address);
  }
}

export class NodeDatagrams {
  readonly #owner: ReporterOwner;
  readonly #names = new PeerNames();
  readonly #prepared = new Map<number, NodeEndpoint>();
  readonly #endpoints = new Map<number, NodeEndpoint>();
  #closed = false;
  /** The last one that sent. */
  #sender: NodeEndpoint | null = null;

  constructor(owner: ReporterOwner) {
    this.#owner = owner;
  }

  async settle(id: number): Promise<void> {
    await this.#endpoints.get(id)?.settle();
  }

  async prepare(id: number, endpoint: Endpoint, options: SocketOptions): Promise<void> {
    assert(endpoint.kind !== 'unix', 'datagram endpoints are IP');
    refuseWhatCannotBe(options);
    const socket = await openEndpoint(endpoint, options);
    const connectedTo = endpoint.connects ? endpointText(endpoint) : null;
    const made = new NodeEndpoint(this.#owner, this.#names, id, socket, endpoint, connectedTo);
    if (this.#closed) made.close();
    else this.#prepared.set(id, made);
  }

  bind(id: number): void {
    assert(!this.#endpoints.has(id), 'an endpoint is bound once');
    const endpoint = this.#prepared.get(id);
    if (endpoint === undefined) {
      throw new ErrUnsupportedOp(
        "cannot bind at once: the runtime's sockets are opened ahead, by prepareEndpoint",
      );
    }
    this.#prepared.delete(id);
    this.#endpoints.set(id, endpoint);
  }

  get(id: number): NodeEndpoint {
    const endpoint = this.#endpoints.get(id);
    assert(endpoint !== undefined, 'the datagram endpoint is open');
    return endpoint;
  }

  send(id: number, peer: DatagramPeer, bytes: Uint8Array): boolean {
    this.#sender = this.get(id);
    return this.#sender.send(peer, bytes);
  }

  lastRefusal(): GnetError {
    assert(this.#sender !== null, 'a datagram was sent');
    return this.#sender.refusal();
  }

  close(id: number): void {
    this.#endpoints.get(id)?.close();
    this.#endpoints.delete(id);
  }

  closeAll(): void {
    this.#closed = true;
    for (const endpoint of this.#prepared.values()) endpoint.close();
    this.#prepared.clear();
    for (const id of this.#endpoints.keys()) this.close(id);
  }
}
