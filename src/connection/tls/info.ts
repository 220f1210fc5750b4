import type { X509Certificate } from 'node:crypto';
import type { CipherFacts } from '../../tls/session-facts.ts';

/** The result of a TLS handshake, with the names of `node:tls`. */
export interface TlsInfo {
  /** `TLSv1.3`, `TLSv1.2`. */
  readonly protocol: string;
  readonly cipher: CipherFacts;
  /** The protocol that both sides chose; false without ALPN. */
  readonly alpnProtocol: string | false;
  /** The name that the client sent; false if it sent none. */
  readonly servername: string | false;
  /** Undefined if the peer sent none. */
  readonly peerCertificate: X509Certificate | undefined;
  /** The peer's certificate was requested and verified. */
  readonly authorized: boolean;
  /** Why not: `DEPTH_ZERO_SELF_SIGNED_CERT`, … */
  readonly authorizationError: string | undefined;
  /** The session resumes an earlier one: there was no full handshake. */
  readonly resumed: boolean;
}

/** Outside the connections: a field would cost memory on each connection without TLS. */
const told = new WeakMap<object, { readonly info: TlsInfo | undefined }>();

/** @param layer whose `info` is asked for each time. */
export function rememberTls(connection: object, layer: { readonly info: TlsInfo | undefined }) {
  told.set(connection, layer);
}

export function tlsOf(connection: object): TlsInfo | undefined {
  return told.get(connection)?.info;
}
