import { TlsContext } from './context.ts';
import { type ContextMaker, NamedContexts } from '../named-contexts.ts';
import { isRevocationList, readPfx } from './x509.ts';
import type { TlsServerOptions } from '../options/types.ts';
import { readServerSettings, type ServerSettings } from '../server-settings.ts';
import type { TicketKeys } from '../ticket-keys.ts';

const maker: ContextMaker<TlsContext> = {
  readers: { readPfx, isRevocationList },
  make: (settings) => new TlsContext('server', settings),
};

/** The contexts of a server, each an `SSL_CTX`. */
export class ServerContexts extends NamedContexts<TlsContext> {
  /**
   * @param ticketKeys those of all threads, where the options have none.
   * @throws ErrInvalidOption for what OpenSSL does not take.
   */
  constructor(settings: ServerSettings, ticketKeys?: TicketKeys) {
    super(maker, settings, ticketKeys);
  }
}

/**
 * Reads the files of a server's options and checks everything.
 * @throws ErrInvalidOption, naming the option and the file.
 */
export function readServerOptions(options: TlsServerOptions): ServerSettings {
  return readServerSettings(options, maker.readers);
}
