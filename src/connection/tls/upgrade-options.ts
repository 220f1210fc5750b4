import type { TlsClientOptions, TlsServerOptions } from '../../tls/options/types.ts';

/** Of a server's side, or of a client's; `isServer` decides where the usual side is not the right one. */
export type UpgradeOptions = (TlsServerOptions | TlsClientOptions) & {
  /** Default: true where the connection was accepted, false where it was dialled. */
  readonly isServer?: boolean;
};
