/** The settings of a server on their way to another thread: data only. */
import type { ContextSettings } from './context-settings.ts';
import type { TlsServerOptions } from './options/types.ts';
import type { ServerSettings } from './server-settings.ts';
import { TicketKeys } from './ticket-keys.ts';

interface PackedContext {
  readonly name: string;
  readonly settings: Omit<ContextSettings, 'ticketKeys' | 'keylog'>;
  /** Those of the options; undefined: those that all threads share. */
  readonly ticketKeys: readonly Uint8Array[] | undefined;
}

export interface PackedSettings {
  readonly named: readonly PackedContext[];
  readonly handshakeTimeout: number;
  readonly plainTextAnswer: Uint8Array | undefined;
  /** Of `SharedTicketKeys`. */
  readonly ticketKeys: SharedArrayBuffer;
}

export function packSettings(
  { named, handshakeTimeout, plainTextAnswer }: ServerSettings,
  ticketKeys: SharedArrayBuffer,
): PackedSettings {
  return {
    named: named.map(({ name, settings: { ticketKeys: own, keylog: _keylog, ...settings } }) => ({
      name,
      settings,
      ticketKeys: own?.keys,
    })),
    handshakeTimeout,
    plainTextAnswer,
    ticketKeys,
  };
}

/**
 * @param own what the thread's own call of `serve` was given: it has the functions that cannot be sent.
 */
export function unpackSettings(packed: PackedSettings, own: TlsServerOptions): ServerSettings {
  return {
    named: packed.named.map(({ name, settings, ticketKeys }) => ({
      name,
      settings: {
        ...settings,
        ticketKeys: ticketKeys === undefined ? undefined : new TicketKeys(ticketKeys),
        keylog: own.contexts?.[name]?.keylog ?? own.keylog,
      },
    })),
    sniCallback: own.SNICallback,
    options: own,
    handshakeTimeout: packed.handshakeTimeout,
    plainTextAnswer: packed.plainTextAnswer,
    warnings: [],
  };
}
