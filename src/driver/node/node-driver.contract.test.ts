import { driverContract } from '../../../testing/driver-contract.ts';
import { RawPeers } from '../../../testing/raw-peers.ts';
import { NodeDriver } from './node-driver.ts';

const noDescriptor =
  "the runtime's sockets have no descriptor to duplicate: refused with ErrUnsupportedOp";

driverContract(
  'node',
  (events, readBufferBytes) => ({
    driver: new NodeDriver(events, { readBufferBytes, headroomBytes: 64 }, () => {}),
    peers: new RawPeers(),
  }),
  {
    'duplicateListener gives another descriptor': noDescriptor,
    'a drained listener that was duplicated goes on admitting, and accepts nothing': noDescriptor,
    'a listener that another holder made blocking holds nobody up': noDescriptor,
    'a datagram socket that another holder made blocking holds nobody up': noDescriptor,
    'a busy Unix path is EADDRINUSE and leaves nothing open':
      'the runtime accepts the connect that checks for a listener, so a descriptor is open',
    'out of descriptors the listener rests, streams are served, and it comes back':
      'without descriptors the runtime turns callers away by itself, and the listener cannot rest',
  },
);
