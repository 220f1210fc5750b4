import type { GnetError } from '../../base/errors.ts';
import { isGnetError } from '../../base/thrown.ts';
import {
  alertReceived,
  certificateRefused,
  type FailedPart,
  handshakeFailed,
  recordRefused,
} from '../peer-errors.ts';
import { verifyErrorNames } from '../verify-errors.ts';

/** Members of an error of `node:tls`. */
interface SocketError extends Error {
  readonly code?: string;
  /** OpenSSL's: `no shared cipher`. */
  readonly reason?: string;
}

/** What an error of a socket of `node:tls` is in our words. */
export function socketFailure(part: FailedPart, thrown: Error): GnetError {
  if (isGnetError(thrown)) return thrown;
  const { code = '', reason, message } = thrown as SocketError;
  const { opened, peer, origin } = part;
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const name = /IP:/.test(message) ? 'IP_ADDRESS_MISMATCH' : 'HOSTNAME_MISMATCH';
    return certificateRefused(peer, name, { ...origin, cause: thrown });
  }
  if (verifyErrorNames.includes(code)) {
    return certificateRefused(peer, code, { ...origin, cause: thrown });
  }
  // "...:SSL routines:ssl3_read_bytes:ssl/tls alert handshake failure:...:SSL alert number 40"
  const alert = /SSL alert number (\d+)/.exec(message);
  if (alert !== null) return alertReceived(part, Number(alert[1]));
  const details = { ...origin, cause: thrown };
  const text = reason ?? message;
  return opened ? recordRefused(peer, text, '', details) : handshakeFailed(peer, text, '', details);
}
