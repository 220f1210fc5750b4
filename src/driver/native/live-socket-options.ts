import { ErrUnsupportedOp } from '../../base/errors.ts';
import { errnoNumber } from '../../platform/index.ts';
import { syscallError } from '../../syscall/last-errno.ts';
import { setLinger, setOption } from '../../syscall/socket.ts';
import { readTcpInfo } from '../../syscall/tcp-info.ts';
import { constants } from '../../syscall/tables.ts';
import type { SocketSetting, TcpInfo } from '../contract.ts';

const { SOL_SOCKET, IPPROTO_TCP } = constants;

/** What a Unix socket answers to options of TCP: on Linux, on the BSDs. */
const notTcp: readonly (number | undefined)[] = ['ENOTSUP', 'EOPNOTSUPP'].map(errnoNumber);
/** What Multipath TCP answers to those of TCP that it does not have. */
const notInMultipath = errnoNumber('ENOPROTOOPT') as number;

interface KernelOption {
  readonly level: number;
  /** Undefined where the system has no such option. */
  readonly option: number | undefined;
  readonly name: string;
}

const options: { readonly [Name in Exclude<SocketSetting, 'lingerReset'>]: KernelOption } = {
  receiveBuffer: { level: SOL_SOCKET, option: constants.SO_RCVBUF, name: 'SO_RCVBUF' },
  sendBuffer: { level: SOL_SOCKET, option: constants.SO_SNDBUF, name: 'SO_SNDBUF' },
  userTimeout: { level: IPPROTO_TCP, option: constants.TCP_USER_TIMEOUT, name: 'TCP_USER_TIMEOUT' },
  quickAck: { level: IPPROTO_TCP, option: constants.TCP_QUICKACK, name: 'TCP_QUICKACK' },
};

/** @throws SyscallError; ErrUnsupportedOp for what is about TCP on another socket. */
export function setOnSocket(descriptor: number, setting: SocketSetting, value: number): void {
  if (setting === 'lingerReset') {
    // Never with a time: close(2) would block for as long, on a non-blocking socket, too.
    check(setLinger(descriptor, value !== 0, 0), 'SO_LINGER');
    return;
  }
  const { level, option, name } = options[setting];
  if (option === undefined) {
    throw new ErrUnsupportedOp(`cannot set ${name}: this system has no such option; leave it out`);
  }
  const result = setOption(descriptor, level, option, value);
  if (notTcp.includes(-result) && level === IPPROTO_TCP) {
    throw new ErrUnsupportedOp(`cannot set ${name}: this connection is not over TCP`);
  }
  if (result === -notInMultipath && level === IPPROTO_TCP) {
    throw new ErrUnsupportedOp(
      `cannot set ${name}: this connection is over Multipath TCP, or the kernel lacks the option`,
    );
  }
  check(result, name);
}

function check(result: number, name: string): void {
  if (result < 0) throw syscallError('setsockopt', -result, `set ${name} of a connection`);
}

const microsecondsPerMs = 1_000;

export function tcpInfoOf(descriptor: number): TcpInfo | null {
  const read = readTcpInfo(descriptor);
  if (read === null) return null;
  return {
    rtt: read('rtt') / microsecondsPerMs,
    rttVariance: read('rttvar') / microsecondsPerMs,
    retransmits: read('total_retrans'),
    unacked: read('unacked'),
    lost: read('lost'),
    congestionWindow: read('snd_cwnd'),
    segmentBytes: read('snd_mss'),
    segmentsSent: read('data_segs_out'),
  };
}

/**
 * While a socket has sent nothing, the kernel counts the time since it sent data from when the handshake
 * had made the socket.
 */
export function acceptWaitOf(descriptor: number): number {
  const read = readTcpInfo(descriptor);
  return read === null || read('data_segs_out') > 0 ? -1 : read('last_data_sent');
}
