import { emptyInetAddress } from '../base/inet-address.ts';
import { linuxPacketInfo } from './linux/packet-info.ts';
import type { PacketInfo, ReceivedControl } from './system-contract.ts';
import { ofThisSystem } from './this-system.ts';

export type { ReceivedControl } from './system-contract.ts';

/** See `PacketInfo`. */
export const {
  controlBytesMax,
  askForLocalAddress,
  askForOverflows,
  countOverflows,
  readControl,
  writeControl,
}: PacketInfo = ofThisSystem({ linux: linuxPacketInfo })();

export function emptyControl(): ReceivedControl {
  return {
    local: emptyInetAddress(),
    overflowed: -1,
    toMany: false,
    typeOfService: -1,
    segmentBytes: 0,
  };
}
