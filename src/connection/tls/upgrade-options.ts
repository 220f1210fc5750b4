import type { TlsClientOptions, TlsServerOptions } from '../../tls/options/types.ts';

/** The options of a server or of a client; `isServer` overrides the side. */
export type UpgradeOptions = (TlsServerOptions | TlsClientOptions) & {
  /** Default: true for an accepted connection, false for a dialled one. */
  readonly isServer?: boolean;
};
