import type { ContextSettings } from './context-settings.ts';
import { ErrTlsHandshake } from './errors.ts';
import type { OptionReaders } from './options/settings.ts';
import type { TlsContextOptions } from './options/types.ts';
import { ServerNames } from './server-names.ts';
import { readCalledSettings, type ServerSettings } from './server-settings.ts';
import { TicketKeys } from './ticket-keys.ts';

/** Who asked for a context that is not known yet, and hears of it later. */
export interface ContextAsker<Context> {
  choose(context: Context): void;
  refuse(error: unknown): void;
}

/** How an engine reads options, and what it makes of them. */
export interface ContextMaker<Context> {
  readonly readers: OptionReaders;
  /** @throws ErrInvalidOption for what OpenSSL does not take. */
  make(settings: ContextSettings): Context;
}

/** The contexts of a server in one thread: one for each name, and one for all others. */
export class NamedContexts<Context extends { dispose(): void }> {
  readonly settings: ServerSettings;
  readonly #maker: ContextMaker<Context>;
  readonly #names = new ServerNames<Context>();
  readonly #ticketKeys: TicketKeys;
  /** Of `SNICallback`, by the object that it gave. */
  readonly #called = new WeakMap<TlsContextOptions, Context>();
  readonly #calledContexts = new Set<Context>();
  #rest: Context | null = null;
  /** Calls of `SNICallback` that were not answered: they may still choose one of these. */
  #asked = 0;
  #disposed = false;

  /**
   * @param ticketKeys those of all threads, where the options have none.
   * @throws ErrInvalidOption for what OpenSSL does not take.
   */
  constructor(
    maker: ContextMaker<Context>,
    settings: ServerSettings,
    ticketKeys: TicketKeys = new TicketKeys(),
  ) {
    this.settings = settings;
    this.#maker = maker;
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

  #make(settings: ContextSettings): Context {
    const ticketKeys = settings.ticketKeys ?? this.#ticketKeys;
    return this.#maker.make({ ...settings, ticketKeys });
  }

  /**
   * The context of a name (undefined: none was asked for); null: it is not known yet, and `asker` hears
   * of it. May throw a `GnetError`, which ends the handshake.
   */
  contextFor(serverName: string | undefined, asker: ContextAsker<Context>): Context | null {
    if (serverName === undefined) return this.#restFor('no name');
    const found = this.#names.find(serverName);
    if (found !== undefined) return found;
    const { sniCallback } = this.settings;
    if (sniCallback === undefined) return this.#restFor(`the name ${serverName}`);
    this.#asked++;
    let isOpen = true;
    const answered = (): void => {
      if (isOpen) this.#asked--;
      isOpen = false;
      if (this.#disposed) this.dispose();
    };
    const refuse = (failure: unknown): void => {
      asker.refuse(failure);
      answered();
    };
    try {
      const returned: unknown = sniCallback(serverName, (error, options) => {
        try {
          if (error) throw error;
          asker.choose(this.#contextOf(serverName, options));
        } catch (failure) {
          asker.refuse(failure);
        }
        answered();
      });
      // An async function that throws before it has answered.
      if (returned instanceof Promise) returned.catch(refuse);
    } catch (error) {
      answered();
      throw error;
    }
    return null;
  }

  /** For what `SNICallback` gave: the same object gives the same context. */
  #contextOf(serverName: string, options: TlsContextOptions | null | undefined): Context {
    if (options === null || options === undefined) return this.#restFor(`the name ${serverName}`);
    let context = this.#called.get(options);
    if (context === undefined) {
      const { options: server } = this.settings;
      context = this.#make(readCalledSettings(server, this.#maker.readers, serverName, options));
      this.#called.set(options, context);
      this.#calledContexts.add(context);
    }
    return context;
  }

  #restFor(asked: string): Context {
    if (this.#rest !== null) return this.#rest;
    throw new ErrTlsHandshake(
      `cannot shake hands: the client asked for ${asked}, which has no certificate here; give key and ` +
        'cert next to tls.contexts to serve other names',
      { alert: 'unrecognized_name' },
    );
  }

  /** Open connections keep their contexts, and waiting handshakes still get an answer. */
  dispose(): void {
    this.#disposed = true;
    if (this.#asked > 0) return;
    for (const context of this.#names.values()) context.dispose();
    for (const context of this.#calledContexts) context.dispose();
    this.#rest?.dispose();
  }
}
