import { driverContract } from '../../testing/driver-contract.ts';
import { seedOfRun } from '../../testing/random.ts';
import { SimulatedDriver } from '../../testing/simulated-driver.ts';
import { SimulatedPeers } from '../../testing/simulated-peers.ts';

const seed = seedOfRun();
driverContract(`simulated (GNET_SEED=${seed})`, (events, slabBytes) => {
  const driver = new SimulatedDriver(events, { seed, slabBytes });
  return { driver, peers: new SimulatedPeers(driver) };
});
