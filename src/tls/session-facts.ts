/** What is known of a session once its handshake is over: looked up when asked for. */
import type { Address } from '../ffi/index.ts';
import {
  bytesAt,
  encode,
  isNull,
  resultAddress,
  resultNumber,
  resultPlace,
  textAt,
} from './openssl/arguments.ts';
import {
  i2d_X509,
  SSL_CIPHER_get_name,
  SSL_CIPHER_get_version,
  SSL_CIPHER_standard_name,
  SSL_get_current_cipher,
  SSL_get_verify_result,
  SSL_get0_alpn_selected,
  SSL_get1_peer_certificate,
  SSL_session_reused,
  SSL_version,
  X509_free,
} from './openssl/bindings.ts';
import { constants } from './openssl/constants.ts';
import { verifyErrorName } from './verify-errors.ts';

/** As `tlsSocket.getCipher()`. */
export interface CipherFacts {
  readonly name: string;
  readonly standardName: string;
  readonly version: string;
}

export interface SessionFacts {
  /** `TLSv1.3`, `TLSv1.2`. */
  readonly protocol: string;
  readonly cipher: CipherFacts;
  /** The protocol that both sides chose; false without ALPN. */
  readonly alpnProtocol: string | false;
  readonly resumed: boolean;
  /** The peer's certificate, DER; undefined when it has sent none. */
  readonly peerCertificate: Buffer | undefined;
  /** Its certificate was asked for and is accepted. */
  readonly authorized: boolean;
  /** Why not, in the words of `node:tls`. */
  readonly authorizationError: string | undefined;
}

const versionNames: Readonly<Record<number, string>> = {
  [constants.TLS1_VERSION]: 'TLSv1',
  [constants.TLS1_1_VERSION]: 'TLSv1.1',
  [constants.TLS1_2_VERSION]: 'TLSv1.2',
  [constants.TLS1_3_VERSION]: 'TLSv1.3',
};

/** No certificate where one was asked for: as `node:tls` calls it. */
const noCertificate = 'UNABLE_TO_GET_ISSUER_CERT';

function cipherOf(ssl: Address): CipherFacts {
  const cipher = SSL_get_current_cipher(ssl);
  return {
    name: textAt(SSL_CIPHER_get_name(cipher)),
    standardName: textAt(SSL_CIPHER_standard_name(cipher)),
    version: textAt(SSL_CIPHER_get_version(cipher)),
  };
}

function alpnOf(ssl: Address): string | false {
  SSL_get0_alpn_selected(ssl, resultPlace(0), resultPlace(1));
  const [name, length] = [resultAddress(0), resultNumber(1)];
  return isNull(name) || length === 0 ? false : bytesAt(name, length).toString('latin1');
}

function certificateOf(ssl: Address): Buffer | undefined {
  const certificate = SSL_get1_peer_certificate(ssl);
  if (isNull(certificate)) return undefined;
  const der = encode(i2d_X509, certificate);
  X509_free(certificate);
  return der;
}

/** @param verified whether the peer's certificate was asked for. */
export function factsOf(ssl: Address, verified: boolean): SessionFacts {
  const peerCertificate = certificateOf(ssl);
  const result = SSL_get_verify_result(ssl);
  let authorizationError: string | undefined;
  if (verified && peerCertificate === undefined) authorizationError = noCertificate;
  else if (verified && result !== constants.X509_V_OK) authorizationError = verifyErrorName(result);
  return {
    protocol: versionNames[SSL_version(ssl)] ?? `0x${SSL_version(ssl).toString(16)}`,
    cipher: cipherOf(ssl),
    alpnProtocol: alpnOf(ssl),
    resumed: SSL_session_reused(ssl) === 1,
    peerCertificate,
    authorized: verified && authorizationError === undefined,
    authorizationError,
  };
}
