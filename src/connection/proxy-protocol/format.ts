/**
 * The header that a proxy sends at the start of a connection, as its reader and its writer need it.
 * Behaviour: "The PROXY protocol, versions 1 & 2" of HAProxy.
 *
 *   version 1:  PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n
 *   version 2:  | signature 12 | version, command | family | length 2 | addresses | TLVs ... |
 */

/** What a proxy said about a connection. */
export interface ProxiedConnection {
  readonly version: 1 | 2;
  /**
   * The address of the proxy's client, in the form of `remoteAddr`; undefined if the proxy connects
   * on its own behalf (a health check) or does not know it. Then `remoteAddr` and `localAddr` are
   * those of the socket.
   */
  readonly source: string | undefined;
  /** The address of the proxy that the client connected to. */
  readonly destination: string | undefined;
  /** The application protocol that the client and the proxy agreed on over TLS. */
  readonly alpn: string | undefined;
  /** The host name that the client requested, usually with SNI. */
  readonly authority: string | undefined;
  /** Names this connection across proxies; at most 128 bytes. */
  readonly uniqueId: Buffer | undefined;
  /** The network namespace, as the proxy names it. */
  readonly networkNamespace: string | undefined;
  /** What the proxy knows about the client's TLS; undefined without TLS. */
  readonly tls: ProxiedTls | undefined;
  /** All extensions in order, including those that also have a separate member. */
  readonly extensions: readonly ProxyExtension[];
}

export interface ProxiedTls {
  /** The client showed a certificate on this connection. */
  readonly clientCertificate: boolean;
  /** The client showed a certificate in this session, if not on this connection. */
  readonly clientCertificateInSession: boolean;
  /** A certificate was shown, and the proxy accepted it. */
  readonly verified: boolean;
  readonly version: string | undefined;
  /** The common name of the client's certificate. */
  readonly commonName: string | undefined;
  readonly cipher: string | undefined;
  readonly signatureAlgorithm: string | undefined;
  readonly keyAlgorithm: string | undefined;
}

export interface ProxyExtension {
  /** 0 to 255; 0xe0 to 0xef are for own use. */
  readonly type: number;
  readonly value: Buffer;
}

export const version1Prefix: Buffer = Buffer.from('PROXY ');
export const version2Signature: Buffer = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');

/** With its line end. */
export const version1BytesMax = 107;
/** Signature, version and command, family, length. */
export const version2FixedBytes = 16;
export const version2BytesMax: number = version2FixedBytes + 0xffff;

export const command = { local: 0, proxy: 1 } as const;
/** The upper half of the family byte; the lower says stream (1) or datagram (2). */
export const addressFamily = { unspecified: 0, ipv4: 1, ipv6: 2, unix: 3 } as const;
/** Bytes of source and destination together. */
export const addressBytes: Readonly<Record<number, number>> = { 0: 0, 1: 12, 2: 36, 3: 216 };
export const unixPathBytes = 108;

export const extension = {
  alpn: 0x01,
  authority: 0x02,
  checksum: 0x03,
  noop: 0x04,
  uniqueId: 0x05,
  tls: 0x20,
  tlsVersion: 0x21,
  tlsCommonName: 0x22,
  tlsCipher: 0x23,
  tlsSignatureAlgorithm: 0x24,
  tlsKeyAlgorithm: 0x25,
  networkNamespace: 0x30,
} as const;

export const uniqueIdBytesMax = 128;
