import type { TlsClientOptions, TlsServerOptions } from '../../tls/options/types.ts';
import type { ServerSettings } from '../../tls/server-settings.ts';
import { packSettings, type PackedSettings, unpackSettings } from '../../tls/settings-transfer.ts';
import { SharedTicketKeys } from '../../tls/shared-ticket-keys.ts';
import type { TicketKeys } from '../../tls/ticket-keys.ts';
import type { AnyClientContext, AnyServerContexts, LoopTls } from './loop-tls.ts';

/** Who does the cryptography, as `stats()` tells it. */
export interface AboutEngine {
  /**
   * `runtime`: the OpenSSL inside this process; `system`: a shared library of the machine; `node:tls`:
   * the runtime's own TLS, where nothing can be called by FFI.
   */
  readonly engine: 'runtime' | 'system' | 'node:tls';
  /** `3.5.8`. */
  readonly version: string;
}

/** What a server or a client needs of TLS. */
export interface TlsEngine extends SettingsTools {
  readonly about: AboutEngine;
  /** @throws ErrInvalidOption, naming the option and the file. */
  readServerOptions(options: TlsServerOptions): ServerSettings;
  /**
   * @param ticketKeys those of all threads, where the options have none.
   * @throws ErrInvalidOption for what OpenSSL does not take.
   */
  serverContexts(settings: ServerSettings, ticketKeys?: TicketKeys): AnyServerContexts;
  /** @throws ErrInvalidOption, naming the option and the file. */
  clientContext(options: TlsClientOptions): AnyClientContext;
  loop(readBufferBytes: number): LoopTls;
}

/** What takes settings to other threads: the same for each engine, and loaded with it. */
export interface SettingsTools {
  sharedTicketKeys(memory?: SharedArrayBuffer): SharedTicketKeys;
  packSettings(settings: ServerSettings, ticketKeys: SharedArrayBuffer): PackedSettings;
  unpackSettings(packed: PackedSettings, own: TlsServerOptions): ServerSettings;
}

export const settingsTools: SettingsTools = {
  sharedTicketKeys: (memory) => new SharedTicketKeys(memory),
  packSettings,
  unpackSettings,
};
