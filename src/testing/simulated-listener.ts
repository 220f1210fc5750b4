import type { SimulatedListenerPeer } from '../driver/simulated/index.ts';
import type { SimulatedClient, SimulatedClientOptions } from './simulated-client.ts';

/** What a listener needs of its simulation. */
export interface ListenerSurroundings {
  /** A client over what was accepted. */
  adopt<Frame>(
    peer: SimulatedListenerPeer['accepted'][number],
    options: SimulatedClientOptions<Frame>,
  ): SimulatedClient<Frame>;
  /** Resolves when it is there. @throws when nothing is under way any more. */
  until(wanted: string, isThere: () => boolean): Promise<void>;
}

/** Somebody whom the program under test can call: with `client().dial`, for example. */
export class SimulatedListener {
  readonly #peer: SimulatedListenerPeer;
  readonly #around: ListenerSurroundings;

  /** @internal */
  constructor(peer: SimulatedListenerPeer, around: ListenerSurroundings) {
    this.#peer = peer;
    this.#around = around;
  }

  /** With a scheme, as `dial` takes it: `tcp://127.0.0.1:40000`. */
  get address(): string {
    const { endpoint } = this.#peer;
    if (endpoint.kind === 'unix') return `unix://${endpoint.path}`;
    const host = endpoint.family === 6 ? `[${endpoint.host}]` : endpoint.host;
    return `tcp://${host}:${endpoint.port}`;
  }

  /** Waits for the next call and takes it. @throws when nobody calls and nothing is under way. */
  async accept<Frame = Buffer>(
    options: SimulatedClientOptions<Frame> = {},
  ): Promise<SimulatedClient<Frame>> {
    const { accepted } = this.#peer;
    let peer = accepted.shift();
    while (peer === undefined) {
      await this.#around.until(`accept a connection at ${this.address}`, () => accepted.length > 0);
      peer = accepted.shift();
    }
    return this.#around.adopt(peer, options);
  }

  /** Who calls from now on is refused. */
  close(): void {
    this.#peer.close();
  }
}
