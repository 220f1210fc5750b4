import { TLSSocket } from 'node:tls';
import type { Transport } from '../../driver/transport.ts';
import { isGnetError } from '../../base/thrown.ts';
import type { ClientHello } from '../client-hello.ts';
import { HelloCollector } from '../hello-collector.ts';
import type { ContextAsker, ContextMaker } from '../named-contexts.ts';
import { NamedContexts } from '../named-contexts.ts';
import { certificateRefused, helloTooLong, noContextFor } from '../peer-errors.ts';
import type { ServerSettings } from '../server-settings.ts';
import { noHello, unrecognizedName } from '../hello-constants.ts';
import type { SessionFacts } from '../session-facts.ts';
import { TlsState } from '../session-states.ts';
import type { TicketKeys } from '../ticket-keys.ts';
import type { TlsPools, TlsReceiver } from '../transport-contract.ts';
import { NodeTransport } from './node-transport.ts';
import { NodeContext, nodeReaders } from './secure-context.ts';

const maker: ContextMaker<NodeContext> = {
  readers: nodeReaders,
  make: (settings) => new NodeContext(settings),
};

/** The contexts of a server in one thread. */
export class NodeServerContexts extends NamedContexts<NodeContext> {
  /** @throws ErrInvalidOption for what OpenSSL does not take. */
  constructor(settings: ServerSettings, ticketKeys?: TicketKeys) {
    super(maker, settings, ticketKeys);
  }
}

/** Who knows the contexts at the time when the hello is there. */
export interface NodeContextChoice {
  contextFor(serverName: string | undefined, asker: ContextAsker<NodeContext>): NodeContext | null;
}

/** What `tls.Server` asks, too: there is no other way to what OpenSSL thinks of a client's certificate. */
interface Verifying {
  readonly _handle?: { verifyError?(): (Error & { readonly code?: string }) | null } | null;
}

/** As `node:tls` calls it when a client has no certificate. */
const noCertificate = 'UNABLE_TO_GET_ISSUER_CERT';

/** The server's side. It reads the client's first message before `node:tls` does. */
export class NodeServerTransport extends NodeTransport implements ContextAsker<NodeContext> {
  protected readonly peerRole = 'the client';
  readonly #choice: NodeContextChoice;
  readonly #plainTextAnswer: Uint8Array | undefined;
  readonly #collector = new HelloCollector();
  #context: NodeContext | null = null;
  #hello: ClientHello = noHello;

  constructor(
    below: Transport,
    receiver: TlsReceiver,
    pools: TlsPools,
    choice: NodeContextChoice,
    plainTextAnswer: Uint8Array | undefined,
  ) {
    super(below, receiver, pools, TlsState.Hello);
    this.#choice = choice;
    this.#plainTextAnswer = plainTextAnswer;
  }

  /** What the client asked for. */
  get serverName(): string | undefined {
    return this.#hello.serverName;
  }

  protected get ignoresTruncation(): boolean {
    return this.#context?.settings.ignoreTruncation === true;
  }

  override opened(): void {}

  protected override take(bytes: Uint8Array, start: number, end: number): void {
    if (this.state === TlsState.Hello) this.#takeHello(bytes, start, end);
    else if (this.state === TlsState.Choosing) this.#collector.keep(bytes, start, end);
    else this.feed(Buffer.from(bytes.subarray(start, end)));
  }

  #takeHello(bytes: Uint8Array, start: number, end: number): void {
    const collector = this.#collector;
    const first = collector.look(bytes, start, end);
    if (first === null) return;
    switch (first.kind) {
      case 'plainText':
        if (this.#plainTextAnswer !== undefined) this.sendOwn(this.#plainTextAnswer);
        this.failAsPlainText(bytes.subarray(start, end));
        return;
      case 'incomplete':
        if (collector.isTooLong) this.fail(helloTooLong(this.peerName, this.origin));
        return;
      case 'hello':
        this.#hello = first.hello;
        break;
      case 'unknown':
        break; // OpenSSL answers with the alert that fits
    }
    if (collector.isEmpty) collector.keep(bytes, start, end);
    this.#ask();
  }

  #ask(): void {
    this.state = TlsState.Choosing;
    let context: NodeContext | null;
    try {
      context = this.#choice.contextFor(this.#hello.serverName, this);
    } catch (error) {
      this.refuse(error);
      return;
    }
    if (context !== null) this.choose(context);
  }

  choose(context: NodeContext): void {
    if (this.state !== TlsState.Choosing) return;
    this.#context = context;
    const { protocols, requestCert, rejectUnauthorized, keylog } = context.settings;
    const socket = new TLSSocket(this.wire, {
      isServer: true,
      secureContext: context.forTickets(this.#hello.ticketKeyNames),
      requestCert,
      rejectUnauthorized,
      ...(protocols.length > 0 && { ALPNProtocols: [...protocols] }),
    });
    this.adopt(socket, keylog);
    socket.once('secure', () => this.#lookAt(socket));
    const bytes = this.#collector.take();
    if (bytes !== null) this.feed(bytes);
  }

  refuse(error: unknown): void {
    if (this.state !== TlsState.Choosing) return;
    this.sendOwn(unrecognizedName);
    const { peerName, origin } = this;
    const { serverName } = this.#hello;
    this.fail(isGnetError(error) ? error : noContextFor(peerName, serverName, error, origin));
  }

  #lookAt(socket: TLSSocket): void {
    const { authorizationError } = this.verification(socket);
    const mustHave = this.#context?.settings.rejectUnauthorized === true;
    if (authorizationError === undefined || !mustHave) this.secured();
    else this.fail(certificateRefused(this.peerName, authorizationError, this.origin));
  }

  protected override verification(
    socket: TLSSocket,
  ): Pick<SessionFacts, 'authorized' | 'authorizationError'> {
    if (this.#context?.settings.requestCert !== true) {
      return { authorized: false, authorizationError: undefined };
    }
    if (socket.getPeerX509Certificate() === undefined) {
      return { authorized: false, authorizationError: noCertificate };
    }
    const handle = (socket as unknown as Verifying)._handle;
    // What cannot be asked is not accepted.
    if (typeof handle?.verifyError !== 'function') {
      return { authorized: false, authorizationError: 'UNSPECIFIED' };
    }
    const error = handle.verifyError();
    if (error === null) return { authorized: true, authorizationError: undefined };
    return { authorized: false, authorizationError: error.code ?? error.message };
  }
}
