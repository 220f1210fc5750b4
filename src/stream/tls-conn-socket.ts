import type { PeerCertificate } from 'node:tls';
import type { TlsInfo } from '../index.ts';
import { ConnSocket } from './conn-socket.ts';

/** A stream over a connection on which gnet speaks TLS: with what packages ask a `TLSSocket`. */
export class TlsConnSocket extends ConnSocket {
  readonly encrypted = true;

  get #tls(): TlsInfo | undefined {
    return this.conn?.tls;
  }
  get authorized(): boolean {
    return this.#tls?.authorized ?? false;
  }
  get authorizationError(): string | null {
    return this.#tls?.authorizationError ?? null;
  }
  get alpnProtocol(): string | false {
    return this.#tls?.alpnProtocol ?? false;
  }
  get servername(): string | false {
    return this.#tls?.servername ?? false;
  }
  getProtocol(): string | null {
    return this.#tls?.protocol ?? null;
  }
  getCipher(): TlsInfo['cipher'] | undefined {
    return this.#tls?.cipher;
  }
  isSessionReused(): boolean {
    return this.#tls?.resumed ?? false;
  }
  getPeerX509Certificate(): TlsInfo['peerCertificate'] {
    return this.#tls?.peerCertificate;
  }
  /** Empty when the peer has sent none. */
  getPeerCertificate(): PeerCertificate | Record<string, never> {
    const certificate = this.#tls?.peerCertificate;
    return certificate === undefined ? {} : certificate.toLegacyObject();
  }
}
