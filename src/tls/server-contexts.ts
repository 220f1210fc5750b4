import { ErrInvalidOption } from '../base/errors.ts';
import { asBoolean, invalidOption, wholeNumber } from '../base/option-checks.ts';
import { TlsContext } from './context.ts';
import type { ContextSettings } from './context-settings.ts';
import { ErrTlsHandshake } from './errors.ts';
import { isRevocationList, readPfx } from './openssl/x509.ts';
import { checkTlsOptions, readSettings } from './options/settings.ts';
import type { SniCallback, TlsContextOptions, TlsServerOptions } from './options/types.ts';
import { isServerName, ServerNames } from './server-names.ts';
import type { ContextChoice, ServerSession } from './server-session.ts';
import { TicketKeys } from './ticket-keys.ts';

const handshakeTimeoutDefault = 10_000;
const handshakeTimeoutMax = 2 ** 31 - 1;
const serverOnly = ['contexts', 'SNICallback', 'handshakeTimeout', 'reload'] as const;
const readers = { readPfx, isRevocationList };

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
  readonly warnings: readonly string[];
}

/** What an entry of `contexts` takes from the options around it: all but certificates. */
function inherited(options: TlsServerOptions, own: TlsContextOptions): TlsContextOptions {
  const { key: _key, cert: _cert, pfx: _pfx, passphrase: _secret, ...rest } = options;
  const { contexts: _contexts, SNICallback: _sni, reload: _reload, ...others } = rest;
  const { handshakeTimeout: _timeout, ...shared } = others;
  return { ...shared, ...own };
}

function readNamed(options: TlsServerOptions, warnings: string[]): NamedSettings[] {
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

/**
 * Reads the files of a server's options and checks everything.
 * @throws ErrInvalidOption, naming the option and the file.
 */
export function readServerOptions(options: TlsServerOptions): ServerSettings {
  checkTlsOptions(options, serverOnly);
  const warnings: string[] = [];
  const timeout = wholeNumber(1, handshakeTimeoutMax, 'milliseconds');
  const { SNICallback: sniCallback, handshakeTimeout = handshakeTimeoutDefault } = options;
  timeout('tls.handshakeTimeout', handshakeTimeout);
  if (options.reload !== undefined) asBoolean('tls.reload', options.reload);
  if (sniCallback !== undefined && typeof sniCallback !== 'function') {
    throw invalidOption('tls.SNICallback', sniCallback, 'a function');
  }
  const named = readNamed(options, warnings);
  const read = readSettings(options, readers);
  warnings.push(...read.warnings);
  // Without a certificate for the rest, only clients that ask for one of the names are served.
  if (read.settings.identities.length > 0) named.push({ name: '', settings: read.settings });
  else if (sniCallback === undefined && named.length === 0) needCertificate(read.settings, '');
  return { named, sniCallback, options, handshakeTimeout, warnings };
}

/** The contexts of a server in one thread: one for each name, and one for all others. */
export class ServerContexts implements ContextChoice {
  readonly settings: ServerSettings;
  readonly #names = new ServerNames<TlsContext>();
  readonly #ticketKeys: TicketKeys;
  /** Of `SNICallback`, by the object that it gave. */
  readonly #called = new WeakMap<TlsContextOptions, TlsContext>();
  readonly #calledContexts = new Set<TlsContext>();
  #rest: TlsContext | null = null;

  /**
   * @param ticketKeys those of all threads, where the options have none.
   * @throws ErrInvalidOption for what OpenSSL does not take.
   */
  constructor(settings: ServerSettings, ticketKeys: TicketKeys = new TicketKeys()) {
    this.settings = settings;
    this.#ticketKeys = ticketKeys;
    try {
      for (const { name, settings: one } of settings.named) {
        const context = this.#make(one);
        if (name === '') this.#rest = context;
        else this.#names.add(name, context);
      }
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  #make(settings: ContextSettings): TlsContext {
    const ticketKeys = settings.ticketKeys ?? this.#ticketKeys;
    return new TlsContext('server', { ...settings, ticketKeys });
  }

  contextFor(serverName: string | undefined, session: ServerSession): TlsContext | null {
    if (serverName === undefined) return this.#restFor('no name');
    const found = this.#names.find(serverName);
    if (found !== undefined) return found;
    const { sniCallback } = this.settings;
    if (sniCallback === undefined) return this.#restFor(`the name ${serverName}`);
    sniCallback(serverName, (error, options) => {
      try {
        if (error) throw error;
        session.choose(this.#contextOf(serverName, options));
      } catch (failure) {
        session.refuse(failure);
      }
    });
    return null;
  }

  /** For what `SNICallback` gave: the same object gives the same context. */
  #contextOf(serverName: string, options: TlsContextOptions | null | undefined): TlsContext {
    if (options === null || options === undefined) return this.#restFor(`the name ${serverName}`);
    let context = this.#called.get(options);
    if (context === undefined) {
      checkTlsOptions(options);
      const { settings } = readSettings(
        inherited(this.settings.options, options),
        readers,
        serverName,
      );
      needCertificate(settings, ` in what SNICallback gave for '${serverName}'`);
      context = this.#make(settings);
      this.#called.set(options, context);
      this.#calledContexts.add(context);
    }
    return context;
  }

  #restFor(asked: string): TlsContext {
    if (this.#rest !== null) return this.#rest;
    throw new ErrTlsHandshake(
      `cannot shake hands: the client asked for ${asked}, which has no certificate here; give key and ` +
        'cert beside tls.contexts to serve others, too',
      { alert: 'unrecognized_name' },
    );
  }

  /** Connections that are open keep what they have. */
  dispose(): void {
    for (const context of this.#names.values()) context.dispose();
    for (const context of this.#calledContexts) context.dispose();
    this.#rest?.dispose();
  }
}
