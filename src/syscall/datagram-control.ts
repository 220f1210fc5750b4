import { emptyInetAddress } from '../base/inet-address.ts';
import { bsdDatagramControl } from './bsd/datagram-control.ts';
import { linuxDatagramControl } from './linux/datagram-control.ts';
import type { DatagramControl, ReceivedControl } from './system-contract.ts';
import { ofThisSystem } from './this-system.ts';

export type { ReceivedControl } from './system-contract.ts';

/** See `DatagramControl`. */
export const {
  alignControl,
  cutsSegments,
  controlBytesMax,
  askForLocalAddress,
  askForOverflows,
  countOverflows,
  readControl,
  writeControl,
}: DatagramControl = ofThisSystem({ linux: linuxDatagramControl, bsd: bsdDatagramControl })();

export function emptyControl(): ReceivedControl {
  return {
    local: emptyInetAddress(),
    overflowed: -1,
    toMany: false,
    typeOfService: -1,
    segmentBytes: 0,
  };
}
