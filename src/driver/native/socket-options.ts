/**
 * Options of sockets on kernels with file descriptors: those that a listener, a dialled and an accepted
 * socket begin with. What a program sets later is in `live-socket-options.ts`.
 */
import { ErrUnsupportedOp } from '../../base/errors.ts';
import { formatUnix } from '../../base/unix-address.ts';
import { syscallError } from '../../syscall/last-errno.ts';
import { setOption, setOptionText } from '../../syscall/socket.ts';
import { spreadingOption } from '../../syscall/system-calls.ts';
import { formatInet, inetAddress } from '../../syscall/socket-address.ts';
import { constants } from '../../syscall/tables.ts';
import type { Endpoint, SocketExtras, SocketOptions, SocketWish } from '../contract.ts';

/** macOS has a name of its own for it, and OpenBSD none: there the times are the system's for all. */
const keepIdle = constants.TCP_KEEPIDLE ?? constants.TCP_KEEPALIVE;

/** In the form `127.0.0.1:80`, `[::1]:80` or a path, for messages. */
export function describeEndpoint(endpoint: Endpoint): string {
  if (endpoint.kind === 'unix') return formatUnix(endpoint.path);
  return formatInet(inetAddress(endpoint.family, endpoint.host, endpoint.port));
}

/** An option that the program set must take effect, or the call throws. */
export function requireOption(
  descriptor: number,
  endpoint: Endpoint,
  level: number,
  option: number | undefined,
  value: number,
  name: string,
): void {
  const result = setOption(descriptor, level, option, value);
  if (result === 0) return;
  const address = describeEndpoint(endpoint);
  throw syscallError('setsockopt', -result, `set ${name} for ${address}`, address);
}

export function setBufferSizes(
  descriptor: number,
  endpoint: Endpoint,
  options: SocketOptions,
): void {
  const set = (option: number, value: number, name: string): void => {
    if (value > 0) requireOption(descriptor, endpoint, constants.SOL_SOCKET, option, value, name);
  };
  set(constants.SO_RCVBUF, options.receiveBufferBytes, 'SO_RCVBUF');
  set(constants.SO_SNDBUF, options.sendBufferBytes, 'SO_SNDBUF');
}

/**
 * An accepted Unix socket inherits neither of them from its listener; SO_PASSCRED it does. Failing is
 * no reason to lose the connection: the sizes are a wish (socket(7)).
 */
export function setBufferSizesOfAccepted(descriptor: number, options: SocketOptions): void {
  const { receiveBufferBytes, sendBufferBytes } = options;
  const level = constants.SOL_SOCKET;
  if (receiveBufferBytes > 0) {
    setOption(descriptor, level, constants.SO_RCVBUF, receiveBufferBytes);
  }
  if (sendBufferBytes > 0) setOption(descriptor, level, constants.SO_SNDBUF, sendBufferBytes);
}

/** Nothing is read of an answer: a Unix socket has no such options, and nor has one that broke. */
export function grantWish(descriptor: number, { noDelay, keepAlive }: SocketWish): void {
  const tcp = constants.IPPROTO_TCP;
  if (noDelay !== undefined) setOption(descriptor, tcp, constants.TCP_NODELAY, noDelay ? 1 : 0);
  if (keepAlive === undefined) return;
  const { on, idleSeconds, intervalSeconds, probes } = keepAlive;
  setOption(descriptor, constants.SOL_SOCKET, constants.SO_KEEPALIVE, on ? 1 : 0);
  if (idleSeconds > 0) setOption(descriptor, tcp, keepIdle, idleSeconds);
  if (intervalSeconds > 0) setOption(descriptor, tcp, constants.TCP_KEEPINTVL, intervalSeconds);
  if (probes > 0) setOption(descriptor, tcp, constants.TCP_KEEPCNT, probes);
}

/** As a listener's, for a connection that came another way. Each is a wish. */
export function setStreamOptions(descriptor: number, isTcp: boolean, options: SocketOptions): void {
  setBufferSizesOfAccepted(descriptor, options);
  if (!isTcp) return;
  const tcp = constants.IPPROTO_TCP;
  setOption(descriptor, tcp, constants.TCP_NODELAY, options.tcpNoDelay ? 1 : 0);
  const { keepAliveSeconds: seconds, extras } = options;
  if (extras !== undefined && extras.congestion !== '') {
    setOptionText(descriptor, tcp, constants.TCP_CONGESTION, extras.congestion);
  }
  if (seconds === 0) return;
  setOption(descriptor, constants.SOL_SOCKET, constants.SO_KEEPALIVE, 1);
  setOption(descriptor, tcp, keepIdle, seconds);
  setOption(descriptor, tcp, constants.TCP_KEEPINTVL, extras?.keepIntervalSeconds || seconds);
  const probes = extras?.keepProbes ?? 0;
  if (probes > 0) setOption(descriptor, tcp, constants.TCP_KEEPCNT, probes);
}

/** Options of a TCP socket; a listener's are inherited by what it accepts (tcp(7), Linux). */
export function setTcpOptions(
  descriptor: number,
  endpoint: Endpoint,
  options: SocketOptions,
): void {
  const tcp = constants.IPPROTO_TCP;
  if (options.tcpNoDelay) {
    requireOption(descriptor, endpoint, tcp, constants.TCP_NODELAY, 1, 'TCP_NODELAY');
  }
  const seconds = options.keepAliveSeconds;
  if (seconds > 0) {
    const socket = constants.SOL_SOCKET;
    requireOption(descriptor, endpoint, socket, constants.SO_KEEPALIVE, 1, 'SO_KEEPALIVE');
    if (keepIdle !== undefined) {
      requireOption(descriptor, endpoint, tcp, keepIdle, seconds, 'TCP_KEEPIDLE');
      const interval = options.extras?.keepIntervalSeconds || seconds;
      requireOption(descriptor, endpoint, tcp, constants.TCP_KEEPINTVL, interval, 'TCP_KEEPINTVL');
    }
  }
  if (options.extras !== undefined) setTcpExtras(descriptor, endpoint, options.extras);
}

function setTcpExtras(descriptor: number, endpoint: Endpoint, extras: SocketExtras): void {
  const tcp = constants.IPPROTO_TCP;
  const { keepProbes, congestion } = extras;
  if (keepProbes > 0) {
    requireOption(descriptor, endpoint, tcp, constants.TCP_KEEPCNT, keepProbes, 'TCP_KEEPCNT');
  }
  const name = 'TCP_CONGESTION';
  requireText(descriptor, endpoint, tcp, constants.TCP_CONGESTION, congestion, name);
}

/** Options that only what listens has. */
export function setListenerExtras(
  descriptor: number,
  endpoint: Endpoint,
  options: SocketOptions,
): void {
  const { deferAcceptSeconds = 0, fastOpenPending = 0 } = options.extras ?? {};
  const set = (option: number | undefined, value: number, name: string): void => {
    if (value === 0) return;
    requireOption(descriptor, endpoint, constants.IPPROTO_TCP, option, value, name);
  };
  set(constants.TCP_DEFER_ACCEPT, deferAcceptSeconds, 'TCP_DEFER_ACCEPT');
  set(constants.TCP_FASTOPEN, fastOpenPending, 'TCP_FASTOPEN');
}

/** Of IP sockets, before they are bound or connected. */
export function setDevice(descriptor: number, endpoint: Endpoint, { extras }: SocketOptions): void {
  if (extras === undefined || endpoint.kind === 'unix') return;
  const level = constants.SOL_SOCKET;
  const name = 'SO_BINDTODEVICE';
  requireText(descriptor, endpoint, level, constants.SO_BINDTODEVICE, extras.device, name);
}

function requireText(
  descriptor: number,
  endpoint: Endpoint,
  level: number,
  option: number | undefined,
  text: string,
  name: string,
): void {
  if (text === '') return;
  const result = setOptionText(descriptor, level, option, text);
  if (result >= 0) return;
  const address = describeEndpoint(endpoint);
  throw syscallError('setsockopt', -result, `set ${name} to ${text} for ${address}`, address);
}

export function setFamilyOptions(
  descriptor: number,
  endpoint: Endpoint,
  options: SocketOptions,
): void {
  const socket = constants.SOL_SOCKET;
  if (endpoint.kind !== 'unix' && endpoint.family === 6) {
    const only = endpoint.v6Only ? 1 : 0;
    const level = constants.IPPROTO_IPV6;
    requireOption(descriptor, endpoint, level, constants.IPV6_V6ONLY, only, 'IPV6_V6ONLY');
  }
  setDevice(descriptor, endpoint, options);
  if (options.reusePort) {
    if (spreadingOption === undefined) throw spreadsNothing(endpoint);
    requireOption(descriptor, endpoint, socket, spreadingOption, 1, 'SO_REUSEPORT');
  }
}

/** Several sockets could be bound; but the loops of all but one would never have anything to do. */
function spreadsNothing(endpoint: Endpoint): ErrUnsupportedOp {
  const address = describeEndpoint(endpoint);
  return new ErrUnsupportedOp(
    `cannot listen on ${address} with reusePort: this system's SO_REUSEPORT gives everything to one ` +
      'of the sockets and spreads nothing; leave reusePort out, and use one loop for UDP',
    { address },
  );
}
