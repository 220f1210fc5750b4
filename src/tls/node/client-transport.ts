import { isIP } from 'node:net';
import * as tls from 'node:tls';
import type { PeerCertificate } from 'node:tls';
import type { Transport } from '../../driver/transport.ts';
import { isRecordType } from '../client-hello.ts';
import { nameToAskFor, readClientOptions } from '../client-settings.ts';
import type { TlsClientOptions } from '../options/types.ts';
import { identityRefused } from '../peer-errors.ts';
import type { SessionFacts } from '../session-facts.ts';
import { SessionStore } from '../session-store.ts';
import { TlsState } from '../session-states.ts';
import type { TlsPools, TlsReceiver } from '../transport-contract.ts';
import { NodeTransport } from './node-transport.ts';
import { NodeContext, nodeReaders } from './secure-context.ts';

/** Of a connection and of those that resume its session. */
interface Server {
  /** DER. */
  certificate: Buffer | undefined;
}

/** What the connections of one client have in common, and the sessions that they resume. */
export class NodeClientContext {
  readonly options: TlsClientOptions;
  readonly warnings: readonly string[];
  /** Milliseconds. */
  readonly handshakeTimeout: number;
  readonly context: NodeContext;
  readonly sessions = new SessionStore();
  /** Whose the kept sessions are: of a resumed one `node:tls` tells no certificate. */
  readonly servers = new WeakMap<Uint8Array, Server>();

  /** @throws ErrInvalidOption, naming the option and the file. */
  constructor(options: TlsClientOptions = {}) {
    const read = readClientOptions(options, nodeReaders);
    this.options = options;
    this.warnings = read.warnings;
    this.handshakeTimeout = read.handshakeTimeout;
    this.context = new NodeContext(read.settings);
  }

  dispose(): void {
    this.context.dispose();
  }
}

/** Whom to connect with. */
export interface NodeTarget {
  readonly client: NodeClientContext;
  readonly host: string | undefined;
  /** Tells servers apart that have the same name. */
  readonly key: string;
}

/** The client's side. */
export class NodeClientTransport extends NodeTransport {
  protected readonly peerRole = 'the server';
  readonly #target: NodeTarget;
  /** The name that is asked for. */
  readonly serverName: string | undefined;
  #heard = false;
  readonly #server: Server = { certificate: undefined };

  constructor(below: Transport, receiver: TlsReceiver, pools: TlsPools, target: NodeTarget) {
    super(below, receiver, pools, TlsState.Handshaking);
    this.#target = target;
    this.serverName = nameToAskFor(target.client.options, target.host);
  }

  protected get ignoresTruncation(): boolean {
    return this.#target.client.context.settings.ignoreTruncation;
  }

  override opened(): void {
    const { client, host, key } = this.#target;
    const { context, options, sessions, servers } = client;
    const { settings } = context;
    const name = this.serverName;
    const session = options.session ?? sessions.take(key);
    const socket = tls.connect({
      socket: this.wire,
      secureContext: context.forTickets([]),
      // An address is not sent, but must be in the certificate.
      servername: name !== undefined && isIP(name) === 0 ? name : '',
      ...(host !== undefined && { host }),
      ...(session !== undefined && { session: Buffer.from(session) }),
      ...(settings.protocols.length > 0 && { ALPNProtocols: [...settings.protocols] }),
      rejectUnauthorized: settings.rejectUnauthorized,
      checkServerIdentity: (_name, certificate) => this.#lookAt(name ?? host ?? '', certificate),
    });
    this.adopt(socket, settings.keylog);
    socket.on('session', (given: Buffer) => {
      const kept = Uint8Array.from(given);
      sessions.keep(key, kept);
      servers.set(kept, this.#server);
    });
    socket.once('secureConnect', () => {
      this.#noteCertificate(socket, session && servers.get(session));
      this.secured();
    });
  }

  /** Asked once: some versions of Node forget the answer. */
  #noteCertificate(socket: tls.TLSSocket, before: Server | undefined): void {
    const resumed = socket.isSessionReused() ? before?.certificate : undefined;
    this.#server.certificate = socket.getPeerX509Certificate()?.raw ?? resumed;
  }

  override facts(): SessionFacts {
    return { ...super.facts(), peerCertificate: this.#server.certificate };
  }

  #lookAt(name: string, certificate: PeerCertificate): Error | undefined {
    const { checkServerIdentity } = this.#target.client.options;
    if (checkServerIdentity === undefined) return tls.checkServerIdentity(name, certificate);
    try {
      const error = checkServerIdentity(name, certificate);
      return error === undefined ? undefined : identityRefused(error);
    } catch (thrown) {
      return identityRefused(thrown);
    }
  }

  protected override take(bytes: Uint8Array, start: number, end: number): void {
    if (!this.#heard && end > start) {
      this.#heard = true;
      // A banner, or the answer of another protocol.
      if (!isRecordType(bytes[start] as number)) {
        this.failAsPlainText(bytes.subarray(start, end));
        return;
      }
    }
    this.feed(Buffer.from(bytes.subarray(start, end)));
  }

  protected override verification(
    socket: tls.TLSSocket,
  ): Pick<SessionFacts, 'authorized' | 'authorizationError'> {
    const { authorized, authorizationError } = socket;
    const error = authorized ? undefined : String(authorizationError);
    return { authorized, authorizationError: error };
  }
}
