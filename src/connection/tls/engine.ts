/**
 * Everything of TLS that a server or a client needs, behind one import: it is loaded only when TLS is
 * used, and throws `ErrTlsUnavailable` where there is no OpenSSL.
 */
export { ClientContext } from '../../tls/client-context.ts';
export { openssl } from '../../tls/openssl/bindings.ts';
export { readServerOptions, ServerContexts } from '../../tls/server-contexts.ts';
export { packSettings, unpackSettings } from '../../tls/settings-transfer.ts';
export { SharedTicketKeys } from '../../tls/shared-ticket-keys.ts';
export { LoopTls } from './loop-tls.ts';
