import type { GnetError } from '../base/errors.ts';
import { alertHint, alertName } from './alerts.ts';
import {
  ErrTlsAlert,
  ErrTlsCertificate,
  ErrTlsHandshake,
  ErrTlsPlainText,
  ErrTlsRecord,
} from './errors.ts';
import { takeSentAlert } from './openssl/callbacks.ts';
import { alertReasonOffset, constants } from './openssl/constants.ts';
import { takeError } from './openssl/error-queue.ts';
import { verifyErrorHint, verifyErrorName } from './verify-errors.ts';

/** What OpenSSL's reasons mean for who runs the server, where its own words do not say. */
const reasonHints: Readonly<Record<string, string>> = {
  'no shared cipher':
    'the ciphers of both sides have nothing in common, or none fits the kind of certificate (RSA, ' +
    'ECDSA) that is given: compare `ciphers` and `cert`',
  'no suitable signature algorithm': 'compare `sigalgs` with the kind of certificate that is given',
  'no suitable key share': 'the groups of both sides have nothing in common: compare `ecdhCurve`',
  'unsupported protocol': 'the versions of both sides have nothing in common: compare `minVersion`',
  'wrong version number': 'is the other side one that speaks TLS?',
  'peer did not return a certificate': 'the client must give a certificate (`requestCert`)',
  'no application protocol': 'compare `ALPNProtocols` of both sides',
};

/** What has gone wrong in which part of a session's life. */
export interface FailedCall {
  readonly opened: boolean;
  /** OpenSSL's number for the peer's certificate. */
  readonly verifyResult: number;
  /** The peer's name for messages: `the client`, `the server`. */
  readonly peer: string;
}

function alertReceived({ peer, opened }: FailedCall, number: number): GnetError {
  const alert = alertName(number);
  const hint = alertHint(alert);
  return new ErrTlsAlert(
    `${peer} ended ${opened ? 'the connection' : 'the handshake'} with the alert ${alert}` +
      (hint === undefined ? '' : `: ${hint}`),
    { alert },
  );
}

/** An error for the call of OpenSSL that has just failed; its error queue is empty afterwards. */
export function failureOf(call: FailedCall): GnetError {
  const { opened, verifyResult, peer } = call;
  const { library, reason, text } = takeError();
  const sentNumber = takeSentAlert();
  const alert = sentNumber < 0 ? undefined : alertName(sentNumber);
  const sent = alert === undefined ? '' : `; the alert ${alert} was sent`;
  if (library === constants.ERR_LIB_SSL && reason > alertReasonOffset) {
    return alertReceived(call, reason - alertReasonOffset);
  }
  if (library === constants.ERR_LIB_SSL && reason === constants.SSL_R_CERTIFICATE_VERIFY_FAILED) {
    return certificateRefused(peer, verifyResult, alert);
  }
  if (opened) {
    return new ErrTlsRecord(`cannot read what ${peer} sent: ${text}${sent}`, { alert });
  }
  const hint = reasonHints[text];
  return new ErrTlsHandshake(
    `cannot shake hands with ${peer}: ${text}${sent}${hint === undefined ? '' : `: ${hint}`}`,
    { alert },
  );
}

/** The peer's certificate has that number of `X509_V_ERR_*`. */
export function certificateRefused(
  peer: string,
  verifyResult: number,
  alert?: string,
): ErrTlsCertificate {
  const name = verifyErrorName(verifyResult);
  return new ErrTlsCertificate(
    name,
    `the certificate of ${peer} is not accepted (${name}): ${verifyErrorHint(name)}`,
    { alert },
  );
}

const shownBytesMax = 24;

/** `bytes` came where a handshake should begin. */
export function plainTextReceived(peer: string, bytes: Uint8Array): ErrTlsPlainText {
  const shown = JSON.stringify(Buffer.from(bytes.subarray(0, shownBytesMax)).toString('latin1'));
  const http = /^"(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|CONNECT|TRACE|HTTP\/)/.test(shown);
  const hint = http
    ? 'it speaks HTTP without TLS (http://, not https://)'
    : 'it does not speak TLS';
  return new ErrTlsPlainText(`${peer} sent plain text in place of a handshake (${shown}): ${hint}`);
}
