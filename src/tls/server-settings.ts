import { ErrInvalidOption } from '../base/errors.ts';
import { asBoolean, invalidOption, wholeNumber } from '../base/option-checks.ts';
import type { ContextSettings } from './context-settings.ts';
import { checkTlsOptions, type OptionReaders, readSettings } from './options/settings.ts';
import type { SniCallback, TlsContextOptions, TlsServerOptions } from './options/types.ts';
import { isServerName } from './server-names.ts';

const handshakeTimeoutDefault = 10_000;
const handshakeTimeoutMax = 2 ** 31 - 1;
/** It must fit the one packet that a connection can be ended with. */
const plainTextAnswerBytesMax = 4_096;
const serverOnly = [
  'contexts',
  'SNICallback',
  'handshakeTimeout',
  'reload',
  'plainTextAnswer',
] as const;

/** What one server name has, read and checked. */
export interface NamedSettings {
  /** Empty for the settings of every other name. */
  readonly name: string;
  readonly settings: ContextSettings;
}

/** The options of a server, read and checked; other threads can be sent `named`. */
export interface ServerSettings {
  readonly named: readonly NamedSettings[];
  readonly sniCallback: SniCallback | undefined;
  /** What was read, for what `SNICallback` leaves out. */
  readonly options: TlsServerOptions;
  /** Milliseconds. */
  readonly handshakeTimeout: number;
  /** Goes out in clear to who speaks in clear, before the end. */
  readonly plainTextAnswer: Uint8Array | undefined;
  readonly warnings: readonly string[];
}

/** What an entry of `contexts` takes from the options around it: all but certificates. */
function inherited(options: TlsServerOptions, own: TlsContextOptions): TlsContextOptions {
  const { key: _key, cert: _cert, pfx: _pfx, passphrase: _secret, ...rest } = options;
  const { contexts: _contexts, SNICallback: _sni, reload: _reload, ...others } = rest;
  const { handshakeTimeout: _timeout, plainTextAnswer: _answer, ...shared } = others;
  return { ...shared, ...own };
}

function readNamed(
  options: TlsServerOptions,
  readers: OptionReaders,
  warnings: string[],
): NamedSettings[] {
  const { contexts = {} } = options;
  if (typeof contexts !== 'object' || contexts === null) {
    throw invalidOption(
      'tls.contexts',
      contexts,
      "an object of options by name, { 'host.name': { … } }",
    );
  }
  return Object.entries(contexts).map(([name, own]) => {
    if (!isServerName(name)) {
      throw new ErrInvalidOption(
        `cannot use '${name}' in tls.contexts: give a host name, or one with '*.' in front for any one label`,
      );
    }
    checkTlsOptions(own);
    const read = readSettings(inherited(options, own), readers, name.toLowerCase());
    needCertificate(read.settings, ` for '${name}' of tls.contexts`);
    warnings.push(...read.warnings);
    return { name: name.toLowerCase(), settings: read.settings };
  });
}

function needCertificate({ identities }: ContextSettings, where: string): void {
  if (identities.length > 0) return;
  throw new ErrInvalidOption(
    `cannot serve TLS without a certificate${where}: give key and cert (files, PEM or DER), or pfx`,
  );
}

function readAnswer(answer: unknown): Uint8Array | undefined {
  if (answer === undefined) return undefined;
  const bytes = typeof answer === 'string' ? Buffer.from(answer) : answer;
  if (bytes instanceof Uint8Array && bytes.length <= plainTextAnswerBytesMax) {
    return Uint8Array.from(bytes);
  }
  const wanted = `a text or bytes, at most ${plainTextAnswerBytesMax} of them`;
  throw invalidOption('tls.plainTextAnswer', answer, wanted);
}

/**
 * Reads the files of a server's options and checks everything.
 * @throws ErrInvalidOption, naming the option and the file.
 */
export function readServerSettings(
  options: TlsServerOptions,
  readers: OptionReaders,
): ServerSettings {
  checkTlsOptions(options, serverOnly);
  const warnings: string[] = [];
  const timeout = wholeNumber(1, handshakeTimeoutMax, 'milliseconds');
  const { SNICallback: sniCallback, handshakeTimeout = handshakeTimeoutDefault } = options;
  timeout('tls.handshakeTimeout', handshakeTimeout);
  if (options.reload !== undefined) asBoolean('tls.reload', options.reload);
  if (sniCallback !== undefined && typeof sniCallback !== 'function') {
    throw invalidOption('tls.SNICallback', sniCallback, 'a function');
  }
  const plainTextAnswer = readAnswer(options.plainTextAnswer);
  const named = readNamed(options, readers, warnings);
  const read = readSettings(options, readers);
  warnings.push(...read.warnings);
  // Without a certificate for the rest, only clients that ask for one of the names are served.
  if (read.settings.identities.length > 0) named.push({ name: '', settings: read.settings });
  else if (sniCallback === undefined && named.length === 0) needCertificate(read.settings, '');
  return { named, sniCallback, options, handshakeTimeout, plainTextAnswer, warnings };
}

/** What `SNICallback` gave for that name. @throws ErrInvalidOption */
export function readCalledSettings(
  server: TlsServerOptions,
  readers: OptionReaders,
  serverName: string,
  options: TlsContextOptions,
): ContextSettings {
  checkTlsOptions(options);
  const { settings } = readSettings(inherited(server, options), readers, serverName);
  needCertificate(settings, ` in what SNICallback gave for '${serverName}'`);
  return settings;
}
