import type { LayerFactory } from '../connection/layer.ts';
import type { DialledHandshake, LoopTls } from '../connection/tls/loop-tls.ts';
import type { Backend } from '../driver/backend.ts';
import type { ClientContext } from '../tls/client-context.ts';
import type { TlsClientOptions } from '../tls/options/types.ts';
import type { TlsStats } from '../connection/server-view.ts';
import { aboutEngine, loadTlsEngine, type TlsEngine } from './server-tls.ts';

/** TLS of one client: loaded with the options, or by the first dial that wants it. */
export class ClientTls {
  readonly #backend: Backend;
  readonly #options: TlsClientOptions;
  readonly #readBufferBytes: number;
  readonly #warn: (text: string) => void;
  #loading: Promise<LoopTls> | null = null;
  #context: ClientContext | null = null;
  #engine: TlsEngine | null = null;
  #loop: LoopTls | null = null;

  constructor(
    backend: Backend,
    options: TlsClientOptions,
    readBufferBytes: number,
    warn: (text: string) => void,
  ) {
    this.#backend = backend;
    this.#options = options;
    this.#readBufferBytes = readBufferBytes;
    this.#warn = warn;
  }

  /**
   * Reads the files and checks everything.
   * @throws ErrInvalidOption, naming the option and the file; ErrTlsUnavailable, ErrUnsupportedOp.
   */
  load(): Promise<LoopTls> {
    this.#loading ??= this.#load();
    return this.#loading;
  }

  async #load(): Promise<LoopTls> {
    const engine = await loadTlsEngine(this.#backend);
    this.#context = new engine.ClientContext(this.#options);
    for (const warning of this.#context.warnings) this.#warn(warning);
    this.#engine = engine;
    this.#loop = new engine.LoopTls(this.#readBufferBytes);
    return this.#loop;
  }

  /** What stands under one connection; loaded. */
  layer(target: DialledHandshake): LayerFactory {
    return (this.#loop as LoopTls).dial(this.#context as ClientContext, target);
  }

  get about(): Pick<TlsStats, 'engine' | 'version'> | undefined {
    return this.#engine === null ? undefined : aboutEngine(this.#engine);
  }

  end(): void {
    this.#context?.dispose();
    this.#context = null;
  }
}
