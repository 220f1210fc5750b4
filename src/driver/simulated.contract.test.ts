import { driverContract } from '../../testing/driver-contract.ts';
import { seedOfRun } from '../../testing/random.ts';
import { SimulatedDriver } from '../../testing/simulated-driver.ts';
import { SimulatedPeers } from '../../testing/simulated-peers.ts';

driverContract('simulated', (events, slabBytes) => {
  const driver = new SimulatedDriver(events, { seed: seedOfRun(), slabBytes });
  return { driver, peers: new SimulatedPeers(driver) };
});
