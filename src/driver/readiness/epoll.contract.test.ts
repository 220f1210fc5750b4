import { test } from 'node:test';
import { refusalOf } from '../../../test/support/driver.ts';
import { driverContract } from '../../../testing/driver-contract.ts';
import { RawPeers } from '../../../testing/raw-peers.ts';

const skip = await refusalOf('epoll');
if (skip === false) {
  const { createEpollDriver } = await import('./epoll.ts');
  driverContract('epoll', (events, readBufferBytes) => ({
    driver: createEpollDriver(events, { readBufferBytes, headroomBytes: 64 }),
    peers: new RawPeers(),
  }));
} else {
  test('the epoll driver keeps the contract', { skip }, () => {});
}
