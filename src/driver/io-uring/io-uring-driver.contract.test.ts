import { test } from 'node:test';
import { refusalOf } from '../../../test/support/driver.ts';
import { driverContract } from '../../../testing/driver-contract.ts';
import { RawPeers } from '../../../testing/raw-peers.ts';

const skip = await refusalOf('io_uring');
if (skip === false) {
  const { createIoUringDriver } = await import('./io-uring-driver.ts');
  driverContract('io_uring', (events, readBufferBytes) => ({
    driver: createIoUringDriver(events, { readBufferBytes, headroomBytes: 64 }),
    peers: new RawPeers(),
  }));
} else {
  test('the io_uring driver keeps the contract', { skip }, () => {});
}
