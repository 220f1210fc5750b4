/** What `gnet/testing` is made of: it stands in for the kernel and the network. */
export { giveDriver } from '../given-driver.ts';
export { noFaults, roughFaults, type SimulatedFaults } from './faults.ts';
export { simulatedError } from './network.ts';
export type { SimulatedDatagramPeer, SimulatedListenerPeer, SimulatedPeer } from './peer.ts';
export { Random, seedOfRun } from './random.ts';
export type { SteppedTimers } from './simulated-host.ts';
export { SimulatedWorld } from './simulated-world.ts';
