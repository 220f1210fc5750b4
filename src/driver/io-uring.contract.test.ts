import { driverContract } from '../../testing/driver-contract.ts';
import { RawPeers } from '../../testing/raw-peers.ts';
import { createIoUringDriver } from './io-uring.ts';

driverContract('io_uring', (events, readBufferBytes) => ({
  driver: createIoUringDriver(events, { readBufferBytes, headroomBytes: 64 }),
  peers: new RawPeers(),
}));
