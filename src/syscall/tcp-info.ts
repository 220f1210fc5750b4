import type { LinuxTables } from '../platform/index.ts';
import { getOptionBytes, optionView } from './socket.ts';
import { constants, layouts } from './tables.ts';

type TcpInfoLayout = LinuxTables['layouts']['tcpInfo'];
/** Only Linux's is known. */
const layout: TcpInfoLayout | undefined = 'tcpInfo' in layouts ? layouts.tcpInfo : undefined;

export type TcpInfoField = keyof TcpInfoLayout['fields'];

/**
 * Reads fields of the struct tcp_info of a socket, until the next call; null where there is none (a Unix
 * socket, another system). A field that an older kernel does not have is 0. tcp(7) TCP_INFO
 */
export function readTcpInfo(socket: number): ((field: TcpInfoField) => number) | null {
  if (layout === undefined || constants.TCP_INFO === undefined) return null;
  const length = getOptionBytes(socket, constants.IPPROTO_TCP, constants.TCP_INFO, layout.size);
  if (length < 0) return null;
  return (field) => {
    const { offset } = layout.fields[field];
    return offset + 4 <= length ? optionView.getUint32(offset, true) : 0;
  };
}
