import type { X509Certificate } from 'node:crypto';
import type { CipherFacts } from '../../tls/session-facts.ts';

/** What both sides of a TLS connection have agreed on, with the names of `node:tls`. */
export interface TlsInfo {
  /** `TLSv1.3`, `TLSv1.2`. */
  readonly protocol: string;
  readonly cipher: CipherFacts;
  /** The protocol that both sides chose; false without ALPN. */
  readonly alpnProtocol: string | false;
  /** The name that the client asked for; false when it asked for none. */
  readonly servername: string | false;
  /** Undefined when the peer has sent none. */
  readonly peerCertificate: X509Certificate | undefined;
  /** The peer's certificate was asked for, and is accepted. */
  readonly authorized: boolean;
  /** Why not: `DEPTH_ZERO_SELF_SIGNED_CERT`, … */
  readonly authorizationError: string | undefined;
  /** The session goes on from an earlier one: there was no full handshake. */
  readonly resumed: boolean;
}

/** Beside the connections: a field would cost each one that does without TLS. */
const told = new WeakMap<object, { readonly info: TlsInfo | undefined }>();

/** @param layer whose `info` is asked for each time. */
export function rememberTls(connection: object, layer: { readonly info: TlsInfo | undefined }) {
  told.set(connection, layer);
}

export function tlsOf(connection: object): TlsInfo | undefined {
  return told.get(connection)?.info;
}
