import type { PeerCertificate } from 'node:tls';

/**
 * The options of TLS, with the names and meanings they have in `node:tls` where it has them.
 */

/**
 * The path of a file, a `file:` URL, or what stands in such a file: a PEM text (`-----BEGIN …`), or
 * bytes, PEM or DER.
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

/** What one certificate needs, and what is agreed on with it. */
export interface TlsContextOptions {
  /**
   * The private key of `cert`; several with several certificates, in any order. Not needed where it
   * stands in the file of `cert`.
   */
  readonly key?: TlsInput | TlsKeyInput | readonly (TlsInput | TlsKeyInput)[];
  /**
   * The certificate, and behind it in the same file those of its chain, without the root. Several for
   * several kinds of key (ECDSA and RSA): the peer gets one that it can verify.
   */
  readonly cert?: TlsInput | readonly TlsInput[];
  /** A PKCS #12 file in place of `key` and `cert`. */
  readonly pfx?: TlsInput | TlsPfxInput | readonly (TlsInput | TlsPfxInput)[];
  /** For encrypted keys and `pfx`. */
  readonly passphrase?: string;
  /** Whom to trust, in place of the roots that the runtime trusts. */
  readonly ca?: TlsInput | readonly TlsInput[];
  /** Lists of revoked certificates: one for each authority of a chain. */
  readonly crl?: TlsInput | readonly TlsInput[];
  /** `'TLSv1.2'` by default. */
  readonly minVersion?: TlsVersion;
  /** `'TLSv1.3'` by default. */
  readonly maxVersion?: TlsVersion;
  /** As OpenSSL writes them, best first; names that begin with `TLS_` are those of TLS 1.3. */
  readonly ciphers?: string;
  /** Groups for the key exchange, best first, with `:` between; `'auto'` takes OpenSSL's. */
  readonly ecdhCurve?: string;
  /** Signature algorithms, best first, with `:` between. */
  readonly sigalgs?: string;
  /** The server's order of ciphers counts; true by default. */
  readonly honorCipherOrder?: boolean;
  /** Protocols for ALPN, best first. A client that offers others only is refused. */
  readonly ALPNProtocols?: readonly string[];
  /** Servers: ask the client for a certificate. */
  readonly requestCert?: boolean;
  /** Refuse a peer whose certificate is not accepted; true by default. */
  readonly rejectUnauthorized?: boolean;
  /**
   * An end of the peer without close_notify counts as one with it, and is no `ErrTlsTruncated`. Only
   * for protocols whose messages have a length: others cannot tell that something was cut off. False
   * by default (ours).
   */
  readonly ignoreTruncation?: boolean;
  /**
   * Records are encrypted by the kernel. False by default, and `true` is refused with
   * `ErrUnsupportedOp`, which says whether this kernel could (ours).
   */
  readonly kernel?: boolean;
  /** Seconds that a session can be resumed, 1 to 604,800; 300 by default. */
  readonly sessionTimeout?: number;
  /** 48 bytes as in `node:tls`, or 80; with several the first makes tickets, all of them read some. */
  readonly ticketKeys?: Uint8Array | readonly Uint8Array[];
  /** Gets the secrets of each connection, a line each, for a log that Wireshark reads. */
  readonly keylog?: (line: string) => void;
}

/** `undefined` and `null` in place of options: the context of the server's own options. */
export type SniCallback = (
  servername: string,
  callback: (error: Error | null, options?: TlsContextOptions | null) => void,
) => void;

export interface TlsServerOptions extends TlsContextOptions {
  /**
   * Options for server names: `'host.name'`, or `'*.host.name'` for any one label in front. What an
   * entry does not have it takes from the options around it, except certificates.
   */
  readonly contexts?: Readonly<Record<string, TlsContextOptions>>;
  /** Asked for names that `contexts` does not have. */
  readonly SNICallback?: SniCallback;
  /** Milliseconds for the handshake; 10,000 by default. */
  readonly handshakeTimeout?: number;
  /**
   * What a client gets in clear that speaks in clear, such as an answer of HTTP with status 400, before
   * its connection ends: at most 4,096 bytes. Nothing by default (ours).
   */
  readonly plainTextAnswer?: string | Uint8Array;
  /** Looks at the files every two seconds, and takes them for new connections when they change. */
  readonly reload?: boolean;
}

export interface TlsClientOptions extends TlsContextOptions {
  /** The name to ask for and to find in the certificate; by default the host that is dialled. */
  readonly servername?: string;
  /** Looks at the server's certificate in place of the usual comparison of names. */
  readonly checkServerIdentity?: (
    hostname: string,
    certificate: PeerCertificate,
  ) => Error | undefined;
  /** A session to resume, from `tlsSocket.getSession()` or another connection. */
  readonly session?: Uint8Array;
  /** Milliseconds for the handshake; 10,000 by default. */
  readonly handshakeTimeout?: number;
}
