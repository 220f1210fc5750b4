import type { Endpoint } from '../src/driver/contract.ts';
import type { DatagramPeerSocket, ListenerPeer, PeerSide, Transport } from './driver-peers.ts';
import type { SimulatedDriver, SimulatedPeer } from '../src/driver/simulated/simulated-driver.ts';

/** The far side of a `SimulatedDriver`, for the contract suite. */
export class SimulatedPeers implements PeerSide {
  readonly exhaustsProcess = false;
  readonly #driver: SimulatedDriver;
  #names = 0;

  constructor(driver: SimulatedDriver) {
    this.#driver = driver;
  }

  unsupported(): undefined {
    return undefined;
  }

  canReset(): boolean {
    return true;
  }

  endpoint(transport: Transport): Endpoint {
    const name = `simulated-${this.#names++}`;
    if (transport === 'unix') return { kind: 'unix', path: `/${name}.sock` };
    if (transport === 'abstract') return { kind: 'unix', path: `@${name}` };
    const family = transport === 'tcp4' ? 4 : 6;
    const host = family === 4 ? '127.0.0.1' : '::1';
    return { kind: 'tcp', family, v6Only: family === 6, host, port: 0 };
  }

  connect(address: string): SimulatedPeer {
    return this.#driver.connectPeer(address);
  }

  listen(transport: Transport): ListenerPeer {
    return this.#driver.listenPeer(this.endpoint(transport));
  }

  datagramSocket(family: 4 | 6): DatagramPeerSocket {
    return this.#driver.datagramPeer(family);
  }

  turn(): void {
    this.#driver.network.step();
  }

  openDescriptors(): readonly string[] {
    return this.#driver.openDescriptors().map((number) => `${number} simulated close-on-exec`);
  }

  exhaustDescriptors(): () => void {
    this.#driver.descriptorsMax = this.#driver.openDescriptors().length;
    return () => {
      this.#driver.descriptorsMax = Number.POSITIVE_INFINITY;
    };
  }

  close(): void {}
}
