import type { PeerCertificate } from 'node:tls';

/**
 * The options of TLS. Options that `node:tls` also has keep its names and meanings.
 */

/**
 * The path of a file, a `file:` URL, or the contents of such a file: a PEM text (`-----BEGIN …`),
 * or PEM or DER bytes.
 */
export type TlsInput = string | URL | Uint8Array;

export interface TlsKeyInput {
  readonly pem: TlsInput;
  readonly passphrase?: string;
}

export interface TlsPfxInput {
  readonly buf: TlsInput;
  readonly passphrase?: string;
}

export type TlsVersion = 'TLSv1.2' | 'TLSv1.3';

/** One certificate and the settings of connections that use it. */
export interface TlsContextOptions {
  /**
   * The private key of `cert`; with several certificates, an array in any order. Not needed if the
   * file of `cert` contains it.
   */
  readonly key?: TlsInput | TlsKeyInput | readonly (TlsInput | TlsKeyInput)[];
  /**
   * The certificate, followed in the same file by its chain, without the root. Give several for
   * different types of key (ECDSA and RSA): the peer gets one that it can verify.
   */
  readonly cert?: TlsInput | readonly TlsInput[];
  /** A PKCS #12 file that replaces `key` and `cert`. */
  readonly pfx?: TlsInput | TlsPfxInput | readonly (TlsInput | TlsPfxInput)[];
  /** For encrypted keys and `pfx`. */
  readonly passphrase?: string;
  /** The certificates to trust; replaces the runtime's roots. */
  readonly ca?: TlsInput | readonly TlsInput[];
  /** Certificate revocation lists: one for each authority of a chain. */
  readonly crl?: TlsInput | readonly TlsInput[];
  /** `'TLSv1.2'` by default. */
  readonly minVersion?: TlsVersion;
  /** `'TLSv1.3'` by default. */
  readonly maxVersion?: TlsVersion;
  /** In OpenSSL's syntax, preferred first; names that begin with `TLS_` are those of TLS 1.3. */
  readonly ciphers?: string;
  /** Groups for the key exchange, preferred first, separated by `:`; `'auto'` uses OpenSSL's list. */
  readonly ecdhCurve?: string;
  /** Signature algorithms, preferred first, separated by `:`. */
  readonly sigalgs?: string;
  /** The server's order of ciphers decides; true by default. */
  readonly honorCipherOrder?: boolean;
  /** Protocols for ALPN, preferred first. The server refuses a client that offers none of them. */
  readonly ALPNProtocols?: readonly string[];
  /** Servers: ask the client for a certificate. */
  readonly requestCert?: boolean;
  /** Refuse a peer whose certificate does not verify; true by default. */
  readonly rejectUnauthorized?: boolean;
  /**
   * Accept an end without close_notify as a proper end, instead of `ErrTlsTruncated`. Use it only
   * for protocols whose messages carry their length: others cannot notice a truncation. False by
   * default (gnet only).
   */
  readonly ignoreTruncation?: boolean;
  /**
   * Let the kernel encrypt records. False by default; gnet refuses `true` with `ErrUnsupportedOp`,
   * whose message says whether this kernel supports it (gnet only).
   */
  readonly kernel?: boolean;
  /** Seconds for which a session can be resumed, 1 to 604,800; 300 by default. */
  readonly sessionTimeout?: number;
  /** 48 bytes as in `node:tls`, or 80. With several keys, the first makes tickets and all read them. */
  readonly ticketKeys?: Uint8Array | readonly Uint8Array[];
  /** Gets the secrets of each connection, line by line, for a log file that Wireshark reads. */
  readonly keylog?: (line: string) => void;
}

/** Passing `undefined` or `null` instead of options selects the server's own options. */
export type SniCallback = (
  servername: string,
  callback: (error: Error | null, options?: TlsContextOptions | null) => void,
) => void;

export interface TlsServerOptions extends TlsContextOptions {
  /**
   * Options by server name: `'host.name'`, or `'*.host.name'` for any single label in front. An
   * entry inherits missing options from the surrounding options, except certificates.
   */
  readonly contexts?: Readonly<Record<string, TlsContextOptions>>;
  /** Called for names that `contexts` does not have. */
  readonly SNICallback?: SniCallback;
  /** Milliseconds for the handshake; 10,000 by default. */
  readonly handshakeTimeout?: number;
  /**
   * What to send, unencrypted, to a client that does not speak TLS, before closing its connection:
   * at most 4,096 bytes, for example an HTTP answer with status 400. Nothing by default (gnet
   * only).
   */
  readonly plainTextAnswer?: string | Uint8Array;
  /** Checks the files every two seconds and uses changed files for new connections. */
  readonly reload?: boolean;
}

export interface TlsClientOptions extends TlsContextOptions {
  /** The name to send and to look for in the certificate; by default the dialled host. */
  readonly servername?: string;
  /** Checks the server's certificate, instead of the usual comparison of names. */
  readonly checkServerIdentity?: (
    hostname: string,
    certificate: PeerCertificate,
  ) => Error | undefined;
  /** A session to resume, from `tlsSocket.getSession()` or another connection. */
  readonly session?: Uint8Array;
  /** Milliseconds for the handshake; 10,000 by default. */
  readonly handshakeTimeout?: number;
}
