import type { Identity } from './options/identities.ts';
import type { TicketKeys } from './ticket-keys.ts';

/**
 * What a context is made of, when options have been read and checked: bytes and numbers only, so that
 * threads can send it to each other (all but `ticketKeys` and `keylog`).
 */
export interface ContextSettings {
  /** The certificates of this side, each of another kind of key; none on most clients. */
  readonly identities: readonly Identity[];
  /** Whom to trust, DER; `runtime` for the roots that the runtime trusts. */
  readonly trusted: readonly Uint8Array[] | 'runtime';
  /** Lists of revoked certificates, DER. With one, every certificate of a chain must be in a list. */
  readonly revocations: readonly Uint8Array[];
  /** `0x303` is TLS 1.2. */
  readonly minVersion: number;
  readonly maxVersion: number;
  /** OpenSSL's list for TLS 1.2 and before; undefined for its own. */
  readonly ciphers: string | undefined;
  /** The same for TLS 1.3. */
  readonly cipherSuites: string | undefined;
  readonly groups: string | undefined;
  readonly signatureAlgorithms: string | undefined;
  /** A server's order of ciphers counts, not the client's. */
  readonly honorCipherOrder: boolean;
  /** Names of ALPN, best first. */
  readonly protocols: readonly string[];
  /** Servers only: the client is asked for a certificate. */
  readonly requestCert: boolean;
  /** A peer whose certificate is not accepted is refused; otherwise `authorized` says what it is. */
  readonly rejectUnauthorized: boolean;
  /** An end of the peer without close_notify counts as one with it. */
  readonly ignoreTruncation: boolean;
  /** Seconds that a session can be resumed. */
  readonly sessionTimeout: number;
  /** Sessions of another context are not resumed in this one: 1 to 32 bytes. */
  readonly sessionIdContext: Uint8Array;
  readonly ticketKeys: TicketKeys | undefined;
  /** Gets the secrets of each connection, a line each, as Wireshark reads them. */
  readonly keylog: ((line: string) => void) | undefined;
}
