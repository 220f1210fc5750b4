import { X509Certificate } from 'node:crypto';
import type { PeerCertificate } from 'node:tls';
import type { GnetError } from '../../base/errors.ts';
import { ClientSession } from './client-session.ts';
import { nameToAskFor, readClientOptions } from '../client-settings.ts';
import { TlsContext } from './context.ts';
import { isRevocationList, readPfx } from './x509.ts';
import type { TlsClientOptions } from '../options/types.ts';
import { identityRefused } from '../peer-errors.ts';
import { SessionStore } from '../session-store.ts';

/** What the connections of one client have in common, and the sessions that they resume. */
export class ClientContext {
  readonly options: TlsClientOptions;
  readonly warnings: readonly string[];
  /** Milliseconds. */
  readonly handshakeTimeout: number;
  readonly sessions = new SessionStore();
  readonly #context: TlsContext;

  /** @throws ErrInvalidOption, naming the option and the file. */
  constructor(options: TlsClientOptions = {}) {
    const read = readClientOptions(options, { readPfx, isRevocationList });
    this.options = options;
    this.warnings = read.warnings;
    this.handshakeTimeout = read.handshakeTimeout;
    this.#context = new TlsContext('client', read.settings);
  }

  /**
   * A session for a connection to `host`, a name or an IP address.
   * @param key tells servers apart that have the same name: `host:port`.
   */
  open(host: string | undefined, key: string): ClientSession {
    const { checkServerIdentity, session } = this.options;
    const name = nameToAskFor(this.options, host);
    return new ClientSession(this.#context, {
      serverName: name,
      // With the program's own check, OpenSSL must not refuse the certificate first.
      expectedName: checkServerIdentity === undefined ? (name ?? host) : undefined,
      session: session ?? this.sessions.take(key),
    });
  }

  /**
   * The program's own look at the certificate of an open session; null when it is accepted. Call it
   * before any data is read or written.
   */
  identityError(session: ClientSession, host: string): GnetError | null {
    const { checkServerIdentity, rejectUnauthorized = true } = this.options;
    if (checkServerIdentity === undefined || !rejectUnauthorized) return null;
    const { peerCertificate } = session.facts();
    if (peerCertificate === undefined) return null; // it was seen when the session began
    const certificate = new X509Certificate(peerCertificate).toLegacyObject() as PeerCertificate;
    try {
      const error = checkServerIdentity(session.settings.serverName ?? host, certificate);
      return error === undefined ? null : identityRefused(error);
    } catch (thrown) {
      return identityRefused(thrown);
    }
  }

  /** Keeps the session of a connection for the next one to the same server, once it has one. */
  keepSession(session: ClientSession, key: string): boolean {
    const der = session.exportSession();
    if (der === null) return false;
    this.sessions.keep(key, der);
    return true;
  }

  dispose(): void {
    this.#context.dispose();
  }
}
