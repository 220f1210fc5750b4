/** `node:tls`, for runtimes whose OpenSSL cannot be called. */
import { runtimeOpensslVersion } from '../../host/runtime-tls.ts';
import { NodeClientContext } from '../../tls/node/client-transport.ts';
import { nodeReaders } from '../../tls/node/secure-context.ts';
import { NodeServerContexts } from '../../tls/node/server-transport.ts';
import { readServerSettings } from '../../tls/server-settings.ts';
import { settingsTools, type TlsEngine } from './engine.ts';
import { NodeLoop } from './node-loop.ts';

export const nodeEngine: TlsEngine = {
  ...settingsTools,
  about: { engine: 'node:tls', version: runtimeOpensslVersion },
  readServerOptions: (options) => readServerSettings(options, nodeReaders),
  serverContexts: (settings, ticketKeys) => new NodeServerContexts(settings, ticketKeys),
  clientContext: (options) => new NodeClientContext(options),
  loop: (readBufferBytes) => new NodeLoop(readBufferBytes),
};
