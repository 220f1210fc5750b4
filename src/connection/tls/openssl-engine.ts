/** OpenSSL, called by FFI. Importing this throws where there is none that can be called. */
import { ClientContext } from '../../tls/openssl/client-context.ts';
import { openssl } from '../../tls/openssl/bindings.ts';
import { readServerOptions, ServerContexts } from '../../tls/openssl/server-contexts.ts';
import { settingsTools, type TlsEngine } from './engine.ts';
import { OpensslLoop } from './openssl-loop.ts';

export const opensslEngine: TlsEngine = {
  ...settingsTools,
  about: { engine: openssl.origin, version: openssl.version },
  readServerOptions,
  serverContexts: (settings, ticketKeys) => new ServerContexts(settings, ticketKeys),
  clientContext: (options) => new ClientContext(options),
  loop: (readBufferBytes) => new OpensslLoop(readBufferBytes),
};
