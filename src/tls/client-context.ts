import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { PeerCertificate } from 'node:tls';
import type { GnetError } from '../base/errors.ts';
import { invalidOption, wholeNumber } from '../base/option-checks.ts';
import { errorOf } from '../base/thrown.ts';
import { ClientSession } from './client-session.ts';
import { TlsContext } from './context.ts';
import { ErrTlsCertificate } from './errors.ts';
import { isRevocationList, readPfx } from './openssl/x509.ts';
import { checkTlsOptions, readSettings } from './options/settings.ts';
import type { TlsClientOptions } from './options/types.ts';
import { isServerName } from './server-names.ts';
import { SessionStore } from './session-store.ts';

const clientOnly = ['servername', 'checkServerIdentity', 'session', 'handshakeTimeout'] as const;
const handshakeTimeoutDefault = 10_000;
const handshakeTimeoutMax = 2 ** 31 - 1;

function checkServerName(name: unknown): string | undefined {
  if (name === undefined || name === '') return undefined;
  if (typeof name === 'string' && (isIP(name) !== 0 || isServerName(name))) return name;
  throw invalidOption('tls.servername', name, "a host name, or '' to send none");
}

function checkOthers({ checkServerIdentity, session, handshakeTimeout }: TlsClientOptions): void {
  if (checkServerIdentity !== undefined && typeof checkServerIdentity !== 'function') {
    throw invalidOption('tls.checkServerIdentity', checkServerIdentity, 'a function');
  }
  if (session !== undefined && !(session instanceof Uint8Array)) {
    throw invalidOption('tls.session', session, 'bytes of an earlier session');
  }
  const check = wholeNumber(1, handshakeTimeoutMax, 'milliseconds');
  if (handshakeTimeout !== undefined) check('tls.handshakeTimeout', handshakeTimeout);
}

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
    checkTlsOptions(options, clientOnly);
    checkServerName(options.servername);
    checkOthers(options);
    const { settings, warnings } = readSettings(options, { readPfx, isRevocationList });
    this.options = options;
    this.warnings = warnings;
    this.handshakeTimeout = options.handshakeTimeout ?? handshakeTimeoutDefault;
    this.#context = new TlsContext('client', settings);
  }

  /**
   * A session for a connection to `host`, a name or an IP address.
   * @param key tells servers apart that have the same name: `host:port`.
   */
  open(host: string | undefined, key: string): ClientSession {
    const { servername, checkServerIdentity, session } = this.options;
    const name = servername === undefined ? host : checkServerName(servername);
    return new ClientSession(this.#context, {
      serverName: name,
      // Whoever looks at the certificate himself is not told no before.
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
    const error = checkServerIdentity(session.settings.serverName ?? host, certificate);
    if (error === undefined) return null;
    return new ErrTlsCertificate(
      'HOSTNAME_MISMATCH',
      `the certificate of the server is not accepted by checkServerIdentity: ${errorOf(error).message}`,
      { cause: error },
    );
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
