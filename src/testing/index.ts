/** For tests of programs that stand on gnet: a simulated network, clients, a clock, checks of codecs. */
export {
  noFaults,
  Random,
  roughFaults,
  type SimulatedFaults,
  type SteppedTimers,
} from '../driver/simulated/index.ts';
export { ByteSource, cut, everyByte, everyCut } from './byte-source.ts';
export {
  type CodecCase,
  type CodecContractOptions,
  type CodecSample,
  codecContract,
} from './codec-contract.ts';
export { type ExpectedFrame, expectFrames } from './expect-frames.ts';
export { RawClient, targetOf } from './raw-client.ts';
export { withSeeds } from './seeds.ts';
export { type SimulatedServer, type SimulateOptions, simulate } from './simulate.ts';
export type { SimulatedClient, SimulatedClientOptions } from './simulated-client.ts';
export type { ReceivedDatagram, SimulatedDatagrams } from './simulated-datagrams.ts';
export type { SimulatedListener } from './simulated-listener.ts';
export { Simulation, type SimulationClock, type SimulationOptions } from './simulation.ts';
export type { TestClient, TestClientOptions } from './test-client.ts';
