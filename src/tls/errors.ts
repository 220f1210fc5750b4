import { GnetError, type GnetErrorDetails } from '../base/errors.ts';

export interface TlsErrorDetails extends GnetErrorDetails {
  /** The alert that was received or sent, by its name in RFC 8446: `unknown_ca`. */
  readonly alert?: string | undefined;
}

/** An error of TLS. */
class TlsError extends GnetError {
  /**
   * The alert that was received or sent, by its name in RFC 8446: `unknown_ca`; undefined without
   * one.
   */
  readonly alert: string | undefined;

  constructor(code: string, message: string, details: TlsErrorDetails = {}) {
    super(code, message, details);
    this.alert = details.alert;
  }
}

/** The peer ended the handshake or the connection with an alert; `alert` is its name. */
export class ErrTlsAlert extends TlsError {
  constructor(message: string, details?: TlsErrorDetails) {
    super('ErrTlsAlert', message, details);
  }
}

/**
 * This side ended the handshake: the two sides have nothing in common, or the bytes are no
 * handshake.
 */
export class ErrTlsHandshake extends TlsError {
  constructor(message: string, details?: TlsErrorDetails) {
    super('ErrTlsHandshake', message, details);
  }
}

/** The peer's certificate did not verify; `reason` says why, with the names of `node:tls`. */
export class ErrTlsCertificate extends TlsError {
  /** `CERT_HAS_EXPIRED`, `DEPTH_ZERO_SELF_SIGNED_CERT`, `HOSTNAME_MISMATCH`, … */
  readonly reason: string;

  constructor(reason: string, message: string, details?: TlsErrorDetails) {
    super('ErrTlsCertificate', message, details);
    this.reason = reason;
  }
}

/**
 * After the handshake, a record arrived that cannot be decrypted or is not allowed at that point.
 */
export class ErrTlsRecord extends TlsError {
  constructor(message: string, details?: TlsErrorDetails) {
    super('ErrTlsRecord', message, details);
  }
}

/** The peer sent plain text instead of a handshake. */
export class ErrTlsPlainText extends TlsError {
  constructor(message: string, details?: TlsErrorDetails) {
    super('ErrTlsPlainText', message, details);
  }
}

/** The connection ended without close_notify: an attacker may have cut it off. */
export class ErrTlsTruncated extends TlsError {
  constructor(message: string, details?: TlsErrorDetails) {
    super('ErrTlsTruncated', message, details);
  }
}

/** This runtime has no TLS, and gnet found no OpenSSL 3 to call. */
export class ErrTlsUnavailable extends TlsError {
  constructor(message: string, details?: TlsErrorDetails) {
    super('ErrTlsUnavailable', message, details);
  }
}
