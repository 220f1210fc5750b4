import { type SimulatedDatagrams, Simulation, type SimulationOptions } from 'gnet/testing';
import {
  type KcpClientOptions,
  type KcpConn,
  type KcpHandler,
  type KcpServerOptions,
  kcpClient,
  serveKcp,
} from 'gnet/kcp';
import { recordingLogger, type Report, type TestScope } from '../support/rig.ts';
import { type Segment, segmentsOf } from './segments.ts';

/** KCP in a simulation: nothing is lost, and no time passes, unless the test says so. */
export class KcpWorld {
  readonly simulation: Simulation;
  readonly reports: Report[] = [];
  readonly #t: TestScope;

  constructor(t: TestScope, options: SimulationOptions = {}) {
    this.#t = t;
    this.simulation = new Simulation(options);
  }

  async serve(handler: KcpHandler, options: KcpServerOptions = {}): Promise<string> {
    const { driver } = this.simulation;
    const logger = recordingLogger(this.reports);
    const server = await serveKcp(handler, 'kcp://127.0.0.1:0', { logger, ...options, driver });
    this.#t.after(() => server.close());
    return server.addr;
  }

  async dial(
    address: string,
    handler: KcpHandler = {},
    options: KcpClientOptions = {},
  ): Promise<KcpConn> {
    const client = await kcpClient(handler, { ...options, driver: this.simulation.driver });
    this.#t.after(() => client.stop());
    return client.dial(`kcp://${address}`);
  }

  peer(address: string): RawPeer {
    return new RawPeer(this.simulation, address);
  }

  async advance(ms: number): Promise<void> {
    await this.simulation.clock.advance(ms);
  }
}

/** A peer that says only what the test lets it say. */
export class RawPeer {
  readonly #simulation: Simulation;
  readonly #socket: SimulatedDatagrams;
  readonly #address: string;

  constructor(simulation: Simulation, address: string) {
    this.#simulation = simulation;
    this.#socket = simulation.datagrams();
    this.#address = address;
  }

  get localAddress(): string {
    return this.#socket.localAddress;
  }

  say(datagram: Buffer): void {
    this.#socket.send(this.#address, datagram);
  }

  /** Sends the datagrams, one after the other. Returns what came by then, unless time has to pass. */
  async send(...datagrams: Buffer[]): Promise<Segment[]> {
    for (const datagram of datagrams) this.say(datagram);
    await this.#simulation.settled();
    return (await this.datagrams()).flatMap(segmentsOf);
  }

  /** What came since the last time. */
  async datagrams(): Promise<Buffer[]> {
    const all: Buffer[] = [];
    for (;;) {
      const next = await this.#socket.receive().catch(() => null);
      if (next === null) return all;
      all.push(next.data);
    }
  }
}
