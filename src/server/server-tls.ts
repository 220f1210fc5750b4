import { ErrInvalidOption } from '../base/errors.ts';
import type { AboutEngine, TlsEngine } from '../connection/tls/engine.ts';
import { loadEngine } from '../connection/tls/load-engine.ts';
import type { LoopTls } from '../connection/tls/loop-tls.ts';
import type { Logger } from '../logging/logger.ts';
import type { TlsServerOptions } from '../tls/options/types.ts';
import type { ServerSettings } from '../tls/server-settings.ts';
import type { PackedSettings } from '../tls/settings-transfer.ts';
import type { SharedTicketKeys } from '../tls/shared-ticket-keys.ts';
import type { GivenAddress, ParsedAddress } from './addresses.ts';
import { TlsFiles } from './tls-files.ts';
import type { ResolvedOptions } from './options.ts';

/** The key of session tickets changes this often; the previous key still reads tickets. */
const rotationMs = 12 * 3_600_000;

/** TLS of one server: what its loops are given, wherever they run. */
export class ServerTls {
  readonly engine: TlsEngine;
  readonly #ticketKeys: SharedTicketKeys;
  readonly #rotation: NodeJS.Timeout;
  readonly #logger: Logger;
  readonly #sends: boolean;
  #settings: ServerSettings;
  #files: TlsFiles | null = null;
  /** Of this thread. */
  readonly #loops: LoopTls[] = [];
  /** Loops of other threads are to be told. */
  onReplaced: (packed: PackedSettings) => void = () => {};

  /** @param sends the loops are on other threads, and functions cannot go there. */
  constructor(engine: TlsEngine, settings: ServerSettings, logger: Logger, sends: boolean) {
    this.engine = engine;
    this.#logger = logger;
    this.#sends = sends;
    this.#settings = settings;
    this.#ticketKeys = engine.sharedTicketKeys();
    this.#rotation = setInterval(() => this.#ticketKeys.rotate(), rotationMs).unref();
    this.#follow();
  }

  #follow(): void {
    this.#files?.end();
    const { options } = this.#settings;
    this.#files = options.reload === true ? new TlsFiles(options, () => this.#reload()) : null;
  }

  /** Half of a pair may be there before the other: what is wrong now is checked again when it changes. */
  #reload(): void {
    try {
      this.#take(this.#settings.options);
      this.#logger.info('the files of tls have changed and are used for new connections');
    } catch (error) {
      this.#logger.warn(
        'the files of tls have changed and cannot be used; those before still are',
        {
          err: error,
        },
      );
    }
  }

  /** For connections that come from now on. @throws ErrInvalidOption, with everything as it was. */
  replace(options: TlsServerOptions): void {
    if (this.#sends) refuseFunctions(options);
    const { handshakeTimeout } = this.#settings;
    this.#take({ handshakeTimeout, ...options });
    this.#follow();
  }

  #take(options: TlsServerOptions): void {
    const settings = this.engine.readServerOptions(options);
    for (const warning of settings.warnings) this.#logger.warn(warning);
    const make = () => this.engine.serverContexts(settings, this.#ticketKeys);
    // Also where only others use them: what OpenSSL does not take shows here.
    const first = make();
    this.#settings = settings;
    this.#loops.forEach((loop, index) => {
      const before = loop.contexts;
      loop.contexts = index === 0 ? first : make();
      before?.dispose();
    });
    if (this.#loops.length === 0) first.dispose();
    this.onReplaced(this.packed());
  }

  /** For loops on other threads. */
  packed(): PackedSettings {
    return this.engine.packSettings(this.#settings, this.#ticketKeys.memory);
  }

  /** For a loop on this thread. @throws ErrInvalidOption for what OpenSSL does not take. */
  onLoop(readBufferBytes: number): LoopTls {
    const loop = this.engine.loop(readBufferBytes);
    loop.contexts = this.engine.serverContexts(this.#settings, this.#ticketKeys);
    this.#loops.push(loop);
    return loop;
  }

  /** Newest first; secret. */
  get ticketKeys(): readonly Uint8Array[] {
    return this.#ticketKeys.keys;
  }

  /** Those of the process before: tickets that it gave are still good. */
  useTicketKeys(keys: readonly Uint8Array[]): void {
    this.#ticketKeys.take(keys);
  }

  get about(): AboutEngine {
    return this.engine.about;
  }

  end(): void {
    clearInterval(this.#rotation);
    this.#files?.end();
  }
}

/**
 * With the option `tls`, every stream of the server is TLS; `tls://` says that it must be.
 * @throws ErrInvalidOption for addresses and options that do not fit together.
 */
export function wantsTls(
  options: ResolvedOptions,
  addresses: readonly (ParsedAddress | GivenAddress)[],
): boolean {
  const secured = addresses.find(({ network }) => network === 'tls');
  if (options.tls === undefined) {
    if (secured === undefined) return false;
    throw new ErrInvalidOption(
      `cannot serve on '${secured.text}' without the option tls: give at least { tls: { key, cert } }`,
    );
  }
  const plain = addresses.find(({ network }) => network.startsWith('tcp'));
  if (secured !== undefined && plain !== undefined) {
    throw new ErrInvalidOption(
      `cannot serve on '${plain.text}' beside '${secured.text}': with the option tls every stream is ` +
        "TLS; write 'tls://' for both, or call serve twice, once without tls",
    );
  }
  return true;
}

/**
 * Reads the files and checks everything.
 * @throws ErrInvalidOption, naming the option and the file; ErrTlsUnavailable.
 */
export async function prepareTls(
  options: ResolvedOptions,
  logger: Logger,
  module: string | null,
): Promise<ServerTls> {
  const engine = await loadEngine();
  const given = options.tls as TlsServerOptions;
  if (module !== null && options.numEventLoop > 1) refuseFunctions(given);
  const settings = engine.readServerOptions({
    handshakeTimeout: options.handshakeTimeout || undefined,
    ...given,
  } as TlsServerOptions);
  for (const warning of settings.warnings) logger.warn(warning);
  return new ServerTls(engine, settings, logger, options.numEventLoop > 1);
}

function refuseFunctions(options: TlsServerOptions): void {
  for (const name of ['SNICallback', 'keylog'] as const) {
    if (typeof options?.[name] !== 'function') continue;
    throw new ErrInvalidOption(
      `cannot use tls.${name} with a handler module and several loops, nor in setTls with several: a ` +
        'function cannot be sent to other threads; use tls.contexts, or give the handler itself to serve',
    );
  }
}
