import type { LayerFactory } from '../connection/layer.ts';
import type { AboutEngine, TlsEngine } from '../connection/tls/engine.ts';
import { loadEngine } from '../connection/tls/load-engine.ts';
import type { AnyClientContext, DialledHandshake, LoopTls } from '../connection/tls/loop-tls.ts';
import type { TlsClientOptions } from '../tls/options/types.ts';

/** TLS of one client: loaded with the options, or by the first dial that wants it. */
export class ClientTls {
  readonly #options: TlsClientOptions;
  readonly #readBufferBytes: number;
  readonly #warn: (text: string) => void;
  #loading: Promise<LoopTls> | null = null;
  #context: AnyClientContext | null = null;
  #engine: TlsEngine | null = null;

  constructor(options: TlsClientOptions, readBufferBytes: number, warn: (text: string) => void) {
    this.#options = options;
    this.#readBufferBytes = readBufferBytes;
    this.#warn = warn;
  }

  /**
   * Reads the files and checks everything.
   * @throws ErrInvalidOption, naming the option and the file; ErrTlsUnavailable.
   */
  load(): Promise<LoopTls> {
    this.#loading ??= this.#load();
    return this.#loading;
  }

  async #load(): Promise<LoopTls> {
    const engine = await loadEngine();
    this.#context = engine.clientContext(this.#options);
    for (const warning of this.#context.warnings) this.#warn(warning);
    this.#engine = engine;
    return engine.loop(this.#readBufferBytes);
  }

  /** Makes the layer below one connection of that loop; TLS must be loaded. */
  layer(loop: LoopTls, target: DialledHandshake): LayerFactory {
    return loop.dial(this.#context as AnyClientContext, target);
  }

  get about(): AboutEngine | undefined {
    return this.#engine?.about;
  }

  end(): void {
    this.#context?.dispose();
    this.#context = null;
  }
}
