import { getOptionBytes, optionView } from './socket.ts';
import { constants, layouts } from './tables.ts';

const layout = layouts.tcpInfo;

export type TcpInfoField = keyof typeof layout.fields;

/**
 * Reads fields of the struct tcp_info of a socket, until the next call; null where there is none (a Unix
 * socket). A field that an older kernel does not have is 0. tcp(7) TCP_INFO
 */
export function readTcpInfo(socket: number): ((field: TcpInfoField) => number) | null {
  const length = getOptionBytes(socket, constants.IPPROTO_TCP, constants.TCP_INFO, layout.size);
  if (length < 0) return null;
  return (field) => {
    const { offset } = layout.fields[field];
    return offset + 4 <= length ? optionView.getUint32(offset, true) : 0;
  };
}
