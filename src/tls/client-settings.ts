import { invalidOption, wholeNumber } from '../base/option-checks.ts';
import { isIP } from '../base/ip-address.ts';
import type { ContextSettings } from './context-settings.ts';
import { checkTlsOptions, type OptionReaders, readSettings } from './options/settings.ts';
import type { TlsClientOptions } from './options/types.ts';
import { isServerName } from './server-names.ts';

/** The options of a client, read and checked. */
export interface ClientOptionsRead {
  readonly settings: ContextSettings;
  readonly warnings: readonly string[];
  /** Milliseconds. */
  readonly handshakeTimeout: number;
}

const clientOnly = ['servername', 'checkServerIdentity', 'session', 'handshakeTimeout'] as const;
const handshakeTimeoutDefault = 10_000;
const handshakeTimeoutMax = 2 ** 31 - 1;

function checkServerName(name: unknown): void {
  if (name === undefined || name === '') return;
  if (typeof name === 'string' && (isIP(name) !== 0 || isServerName(name))) return;
  throw invalidOption('tls.servername', name, "a host name, or '' to send none");
}

function checkOthers({ checkServerIdentity, session, handshakeTimeout }: TlsClientOptions): void {
  if (checkServerIdentity !== undefined && typeof checkServerIdentity !== 'function') {
    throw invalidOption('tls.checkServerIdentity', checkServerIdentity, 'a function');
  }
  if (session !== undefined && !(session instanceof Uint8Array)) {
    throw invalidOption('tls.session', session, 'bytes of an earlier session');
  }
  const check = wholeNumber(1, handshakeTimeoutMax, 'milliseconds');
  if (handshakeTimeout !== undefined) check('tls.handshakeTimeout', handshakeTimeout);
}

/**
 * Reads the files of a client's options and checks everything.
 * @throws ErrInvalidOption, naming the option and the file.
 */
export function readClientOptions(
  options: TlsClientOptions,
  readers: OptionReaders,
): ClientOptionsRead {
  checkTlsOptions(options, clientOnly);
  checkServerName(options.servername);
  checkOthers(options);
  const { settings, warnings } = readSettings(options, readers);
  const { handshakeTimeout = handshakeTimeoutDefault } = options;
  return { settings, warnings, handshakeTimeout };
}

/** The name to ask for; undefined to send none. */
export function nameToAskFor(
  { servername }: TlsClientOptions,
  host: string | undefined,
): string | undefined {
  return servername === undefined ? host : servername || undefined;
}
