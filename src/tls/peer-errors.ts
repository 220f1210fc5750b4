/** Errors about what a peer has done, whichever engine has noticed it. */
import type { GnetError } from '../base/errors.ts';
import { errorOf } from '../base/thrown.ts';
import { alertHint, alertName } from './alerts.ts';
import {
  ErrTlsAlert,
  ErrTlsCertificate,
  ErrTlsHandshake,
  ErrTlsPlainText,
  ErrTlsRecord,
  ErrTlsTruncated,
  type TlsErrorDetails,
} from './errors.ts';
import { handshakeBytesMax, helloBytesMax } from './limits.ts';
import { verifyErrorHint } from './verify-errors.ts';

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

/** Whom it is about, and in which part of a session's life. */
export interface FailedPart {
  readonly opened: boolean;
  /** The peer's name for messages: `the client`, `the server`, with its address where it has one. */
  readonly peer: string;
  readonly origin: Origin;
}

/** Details that every error of a session has. */
export interface Origin {
  readonly address?: string;
}

export function alertReceived(call: FailedPart, number: number): GnetError {
  const { peer, opened, origin } = call;
  const alert = alertName(number);
  const hint = alertHint(alert);
  return new ErrTlsAlert(
    `${peer} ended ${opened ? 'the connection' : 'the handshake'} with the alert ${alert}` +
      (hint === undefined ? '' : `: ${hint}`),
    { ...origin, alert },
  );
}

/** @param sent what was sent for it, behind a semicolon; empty without. */
export function recordRefused(
  peer: string,
  reason: string,
  sent: string,
  details: TlsErrorDetails,
): ErrTlsRecord {
  return new ErrTlsRecord(`cannot read what ${peer} sent: ${reason}${sent}`, details);
}

/** @param sent what was sent for it, behind a semicolon; empty without. */
export function handshakeFailed(
  peer: string,
  reason: string,
  sent: string,
  details: TlsErrorDetails,
): ErrTlsHandshake {
  const hint = reasonHints[reason];
  return new ErrTlsHandshake(
    `cannot shake hands with ${peer}: ${reason}${sent}${hint === undefined ? '' : `: ${hint}`}`,
    details,
  );
}

/** @param name of `X509_V_ERR_*`: `CERT_HAS_EXPIRED`. */
export function certificateRefused(
  peer: string,
  name: string,
  details: TlsErrorDetails,
): ErrTlsCertificate {
  return new ErrTlsCertificate(
    name,
    `the certificate of ${peer} is not accepted (${name}): ${verifyErrorHint(name)}`,
    details,
  );
}

/** Of the first word alone: what follows it may be a password. */
const shownBytesMax = 12;

/** `bytes` came where a handshake should begin. */
export function plainTextReceived(
  peer: string,
  bytes: Uint8Array,
  origin: Origin,
): ErrTlsPlainText {
  const text = Buffer.from(bytes.subarray(0, shownBytesMax)).toString('latin1');
  const [word = ''] = text.split(/\s/, 1);
  const shown = JSON.stringify(word);
  const http = /^(?:(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|CONNECT|TRACE)$|HTTP\/)/.test(word);
  const hint = http
    ? 'it speaks HTTP without TLS (http://, not https://)'
    : 'it does not speak TLS';
  return new ErrTlsPlainText(
    `${peer} sent plain text in place of a handshake (${shown}): ${hint}`,
    origin,
  );
}

export function truncated(peer: string, origin: Origin): ErrTlsTruncated {
  return new ErrTlsTruncated(
    `${peer} ended the connection without close_notify: what it sent may have been cut off`,
    origin,
  );
}

export function endedInHandshake(peer: string, origin: Origin): ErrTlsHandshake {
  return new ErrTlsHandshake(`${peer} ended the connection in the handshake`, origin);
}

export function helloTooLong(peer: string, origin: Origin): ErrTlsHandshake {
  return new ErrTlsHandshake(
    `cannot shake hands with ${peer}: its first message has more than ${helloBytesMax} bytes`,
    origin,
  );
}

export function handshakeTooLong(peer: string, origin: Origin): ErrTlsHandshake {
  return new ErrTlsHandshake(
    `cannot shake hands with ${peer}: it sent more than ${handshakeBytesMax} bytes before the handshake ` +
      'was over',
    origin,
  );
}

/** The program gave no context for that name, or something else than one. */
export function noContextFor(
  peer: string,
  name: string | undefined,
  cause: unknown,
  origin: Origin,
): ErrTlsHandshake {
  return new ErrTlsHandshake(
    `cannot shake hands with ${peer}: there is no context for the name ${name ?? '(none)'}`,
    { ...origin, cause, alert: 'unrecognized_name' },
  );
}

/** An option of the program that is called, and that threw: this session alone has to bear it. */
export function optionThrew(
  peer: string,
  option: string,
  thrown: unknown,
  origin: Origin,
): ErrTlsHandshake {
  return new ErrTlsHandshake(
    `cannot shake hands with ${peer}: the option ${option} threw: ${errorOf(thrown).message}`,
    { ...origin, cause: thrown },
  );
}

/** Answers of TLS itself are not read, and more of them are asked for. */
export function answersUnread(peer: string, bytes: number, origin: Origin): ErrTlsRecord {
  return new ErrTlsRecord(
    `${peer} asks for answers of TLS (new keys) and does not read them: more than ${bytes} bytes wait`,
    origin,
  );
}

/** What the program's own look at the server's certificate has found, or thrown. */
export function identityRefused(error: unknown): ErrTlsCertificate {
  return new ErrTlsCertificate(
    'HOSTNAME_MISMATCH',
    `the certificate of the server is not accepted by checkServerIdentity: ${errorOf(error).message}`,
    { cause: error },
  );
}
