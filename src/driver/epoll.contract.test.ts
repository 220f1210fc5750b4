import { driverContract } from '../../testing/driver-contract.ts';
import { RawPeers } from '../../testing/raw-peers.ts';
import { createEpollDriver } from './epoll.ts';

driverContract('epoll', (events, readBufferBytes) => ({
  driver: createEpollDriver(events, { readBufferBytes, headroomBytes: 64 }),
  peers: new RawPeers(),
}));
