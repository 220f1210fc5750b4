import { GnetError, type GnetErrorDetails } from '../base/errors.ts';

export interface TlsErrorDetails extends GnetErrorDetails {
  /** The alert that was received or sent, by its name in RFC 8446: `unknown_ca`. */
  readonly alert?: string | undefined;
}

/** What TLS adds to an error. */
class TlsError extends GnetError {
  /** The alert that goes with it, by its name in RFC 8446: `unknown_ca`; undefined without one. */
  readonly alert: string | undefined;

  constructor(code: string, message: string, details: TlsErrorDetails = {}) {
    super(code, message, details);
    this.alert = details.alert;
  }
}

/** The peer has given up and said why: `alert` is what it sent. */
export class ErrTlsAlert extends TlsError {
  constructor(message: string, details?: TlsErrorDetails) {
    super('ErrTlsAlert', message, details);
  }
}

/** This side has given up the handshake: nothing in common, or no handshake at all. */
export class ErrTlsHandshake extends TlsError {
  constructor(message: string, details?: TlsErrorDetails) {
    super('ErrTlsHandshake', message, details);
  }
}

/** The peer's certificate is not accepted; `reason` says why, in the words of `node:tls`. */
export class ErrTlsCertificate extends TlsError {
  /** `CERT_HAS_EXPIRED`, `DEPTH_ZERO_SELF_SIGNED_CERT`, `HOSTNAME_MISMATCH`, … */
  readonly reason: string;

  constructor(reason: string, message: string, details?: TlsErrorDetails) {
    super('ErrTlsCertificate', message, details);
    this.reason = reason;
  }
}

/** After the handshake: a record that cannot be decrypted, or that has no place there. */
export class ErrTlsRecord extends TlsError {
  constructor(message: string, details?: TlsErrorDetails) {
    super('ErrTlsRecord', message, details);
  }
}

/** What came in place of a handshake is plain text. */
export class ErrTlsPlainText extends TlsError {
  constructor(message: string, details?: TlsErrorDetails) {
    super('ErrTlsPlainText', message, details);
  }
}

/** The connection ended without close_notify: somebody may have cut it off. */
export class ErrTlsTruncated extends TlsError {
  constructor(message: string, details?: TlsErrorDetails) {
    super('ErrTlsTruncated', message, details);
  }
}

/** There is no OpenSSL here that could be used. */
export class ErrTlsUnavailable extends TlsError {
  constructor(message: string, details?: TlsErrorDetails) {
    super('ErrTlsUnavailable', message, details);
  }
}
