import type { BlockList } from 'node:net';
import { ErrProxyHeader, type GnetError } from '../../base/errors.ts';
import { isIP, runtimeNet } from '../../base/ip-address.ts';
import type { OutboundQueue } from '../../buffer/outbound-queue.ts';
import type { Slab } from '../../buffer/slab.ts';
import type { Transport } from '../../driver/transport.ts';
import { replayBytes } from '../replay-bytes.ts';
import type { ConnectionReceiver, Layer, LayeredConnection, LayerFactory } from '../layer.ts';
import { OpeningLimit } from '../opening-limit.ts';
import { PassThrough } from '../pass-through.ts';
import { type ProxiedConnection, version2BytesMax } from './format.ts';
import { rememberProxied } from './proxied.ts';
import type { ProxyProtocolSettings } from './settings.ts';
import { mayBeHeader, type ReadHeader, readHeader } from './read-header.ts';

const nothing = Buffer.alloc(0);

/**
 * Reads the header in front of each connection, then leaves it: the connection, or the layer `above`,
 * meets the transport below as if the header had never been there.
 */
export function proxyHeaderLayer(
  settings: ProxyProtocolSettings,
  timeoutMs: number,
  above: LayerFactory | undefined,
): LayerFactory {
  const { trusted, mode } = settings;
  const list = trusted === undefined ? undefined : blockListOf(trusted);
  return (connection, below) => {
    const mayTell = list === undefined || isTrusted(list, connection);
    return new ProxyHeaderLayer(connection, below, { mode, mayTell, timeoutMs, above });
  };
}

function blockListOf(networks: readonly string[]): BlockList {
  const list = new (runtimeNet().BlockList)();
  for (const network of networks) {
    const [host = '', bits] = network.split('/');
    const family = isIP(host) === 6 ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(host, family);
    else list.addSubnet(host, Number(bits), family);
  }
  return list;
}

/**
 * Who may open a Unix path is for the file system to say. A peer that nobody knows is in no network: it
 * was reset before it could be asked for, and what it sent is still there.
 */
function isTrusted(list: BlockList, { owner, slot, remoteAddr }: LayeredConnection): boolean {
  if (owner.driver.isUnix(slot)) return true;
  const host = remoteAddr.slice(0, remoteAddr.lastIndexOf(':')).replace(/^\[|\]$/g, '');
  const family = isIP(host);
  return family !== 0 && list.check(host, family === 6 ? 'ipv6' : 'ipv4');
}

interface HeaderRules {
  readonly mode: 'required' | 'optional';
  readonly mayTell: boolean;
  readonly timeoutMs: number;
  readonly above: LayerFactory | undefined;
}

class ProxyHeaderLayer extends PassThrough implements Layer {
  readonly #rules: HeaderRules;
  readonly #limit: OpeningLimit;
  /** The beginning of a header that is not whole: `#length` bytes of it. */
  #collected: Buffer = nothing;
  #length = 0;

  constructor(connection: LayeredConnection, below: Transport, rules: HeaderRules) {
    super(connection, below);
    this.#rules = rules;
    this.#limit = new OpeningLimit(connection.owner, rules.timeoutMs, () => this.#late());
    connection.notOpenedYet();
  }

  opened(): void {
    const { mode, mayTell } = this.#rules;
    if (!mayTell && mode === 'optional') {
      this.#leave();
    } else if (!mayTell) {
      this.#refuse('its peer is not in a trusted network; add its network to trusted');
    } else {
      this.#limit.start();
    }
  }

  received(slab: Slab, start: number, end: number): void {
    const before = this.#length;
    const bytes = this.#collect(slab.bytes.subarray(start, end));
    if (this.#rules.mode === 'optional' && !mayBeHeader(bytes)) {
      this.#passOn(bytes.subarray(0, before))?.received(slab, start, end);
      return;
    }
    let read: ReadHeader | null;
    try {
      read = readHeader(bytes);
    } catch (error) {
      this.#refuseWith(error as GnetError);
      return;
    }
    if (read === null) return;
    this.#remember(read.proxied);
    const rest = start + read.byteLength - before;
    const next = this.#leave();
    if (rest < end && !this.connection.isClosed) next.received(slab, rest, end);
  }

  /** What was received so far, as much as a header may have. */
  #collect(received: Buffer): Buffer {
    const before = this.#length;
    const length = Math.min(before + received.length, version2BytesMax);
    if (length > this.#collected.length) {
      // Doubled, so that a header that comes byte by byte is not copied for each.
      const larger = Buffer.alloc(Math.min(Math.max(length, before * 2), version2BytesMax));
      this.#collected.copy(larger);
      this.#collected = larger;
    }
    received.copy(this.#collected, before, 0, length - before);
    this.#length = length;
    return this.#collected.subarray(0, length);
  }

  ended(): void {
    if (this.#rules.mode === 'optional') {
      this.#passOn(this.#collected.subarray(0, this.#length))?.ended();
    } else if (this.#length === 0) {
      this.connection.abort(undefined); // a port that is only looked at
    } else {
      this.#refuse('it ended within its PROXY header');
    }
  }

  writable(): void {}

  failed(error: GnetError): void {
    this.connection.failed(error);
  }

  #remember(proxied: ProxiedConnection): void {
    rememberProxied(this.connection, proxied);
    this.connection.nameAddresses(proxied.destination, proxied.source);
  }

  /** The next layer, or the connection, takes this layer's place. */
  #leave(): ConnectionReceiver {
    this.#limit.stop();
    const next = this.connection.owner.replaceLayer(this, this.#rules.above);
    next.opened();
    return next;
  }

  /** There is no header: what was read belongs to the connection. */
  #passOn(bytes: Uint8Array): ConnectionReceiver | undefined {
    const next = this.#leave();
    if (!this.connection.isClosed) replayBytes(next, this.connection.owner.readPool, bytes);
    return this.connection.isClosed ? undefined : next;
  }

  #late(): void {
    if (this.#rules.mode === 'optional') this.#passOn(this.#collected.subarray(0, this.#length));
    else this.#refuse(`its PROXY header was not whole within ${this.#rules.timeoutMs} ms`);
  }

  #refuse(what: string): void {
    this.#refuseWith(
      new ErrProxyHeader(`cannot take a connection: ${what}`, {
        address: this.connection.remoteAddr,
      }),
    );
  }

  #refuseWith(error: GnetError): void {
    this.#limit.stop();
    const { connection } = this;
    connection.owner.report('a connection was refused', error);
    connection.abort(error);
  }

  // -- nothing is sent before the header was read ---------------------------------------------------

  send(): number {
    return 0;
  }
  sendBytes(): number {
    return 0;
  }
  flush(_slot: number, queue: OutboundQueue): boolean {
    return queue.length === 0;
  }
  override closeStream(slot: number, abort: boolean): void {
    this.#limit.stop();
    super.closeStream(slot, abort);
  }
}
