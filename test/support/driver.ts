import { chooseBackend } from '../../src/driver/choose-driver.ts';
import type { DriverName } from '../../src/driver/contract.ts';

/** What the tests of this process run on: what GNET_DRIVER names, or the best that works here. */
export const driverName: DriverName = (await chooseBackend('auto')).name;

/** Why a driver that a test names itself does not work here, or false: for `skip`. */
export async function refusalOf(driver: DriverName): Promise<string | false> {
  try {
    await chooseBackend(driver);
    return false;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Options of a test that has no meaning on one of the drivers: it is skipped there, with the reason. */
export function notOn(driver: DriverName, reason: string): { readonly skip: string | false } {
  return { skip: driverName === driver && `not on the driver ${driver}: ${reason}` };
}

/** Reasons that several tests have. */
export const noDescriptors = 'its sockets have no descriptors to duplicate or to hand over';
export const kernelSpreads =
  'several loops listen each by itself: the kernel spreads connections, paths belong to one loop';

/** The version of Node that runs the tests: some of them are about its own clients, or its syntax. */
export const nodeMajor = Number.parseInt(process.versions.node, 10);
