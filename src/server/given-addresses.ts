/** Sockets that this process was started with: `fd://3`, `systemd://`, `systemd://name`. */
import { ErrInvalidNetworkAddress, ErrUnsupportedOp } from '../base/errors.ts';
import type { Backend, DescribedSocket } from '../driver/backend.ts';
import type { Endpoint, GivenSocket } from '../driver/contract.ts';
import type { GivenAddress } from './addresses.ts';

/** The first descriptor that systemd passes. sd_listen_fds(3) */
const firstPassed = 3;

interface PassedSocket {
  readonly descriptor: number;
  readonly name: string;
}

/** Read once: children of this program must not take the variables for their own. */
let passed: readonly PassedSocket[] | null = null;
/** Whose sockets they were meant to be, where that is not this process. */
let passedTo = '';

function passedSockets(): readonly PassedSocket[] {
  if (passed !== null) return passed;
  const { LISTEN_PID: pid, LISTEN_FDS: count, LISTEN_FDNAMES: names = '' } = process.env;
  for (const name of ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES']) delete process.env[name];
  if (pid !== undefined && pid !== String(process.pid)) passedTo = pid;
  const isOurs = pid === String(process.pid) && /^\d{1,6}$/.test(count ?? '');
  const list = names.split(':');
  passed = Array.from({ length: isOurs ? Number(count) : 0 }, (_, at) => ({
    descriptor: firstPassed + at,
    name: list[at] ?? '',
  }));
  return passed;
}

interface Claim {
  readonly by: symbol;
  readonly socket: GivenSocket;
}

/** By descriptor, what servers of this process have, so that none has two owners. */
const claims = new Map<number, Claim>();
/** Numbers of passed sockets that a server has closed: they may be other descriptors by now. */
const spent = new Set<number>();

function invalid(text: string, state: string, hint: string, cause?: unknown): Error {
  return new ErrInvalidNetworkAddress(`cannot use the address '${text}': ${state}; ${hint}`, {
    address: text,
    cause,
  });
}

/** The descriptors that an address means. @throws ErrInvalidNetworkAddress when there is none. */
function descriptorsOf({ network, name, text }: GivenAddress): number[] {
  if (network === 'fd') return [Number(name)];
  const sockets = passedSockets();
  if (sockets.length === 0) {
    const state =
      passedTo === ''
        ? 'this process was given no sockets (LISTEN_FDS is not set)'
        : `the sockets are for process ${passedTo} (LISTEN_PID), and this one is ${process.pid}`;
    const hint = 'start it from a socket unit, with the runtime as ExecStart and nothing between';
    throw invalid(text, state, hint);
  }
  const wanted = sockets.filter((socket) => name === '' || socket.name === name);
  const open = wanted.filter(({ descriptor }) => !spent.has(descriptor));
  if (open.length > 0) return open.map(({ descriptor }) => descriptor);
  if (wanted.length > 0) {
    const state = 'a server of this program has closed the sockets that it was given';
    throw invalid(text, state, 'they are there again when the program is restarted');
  }
  const known = [...new Set(sockets.map((socket) => `'${socket.name}'`))].join(', ');
  throw invalid(text, `no socket of that name was given, only ${known}`, 'see FileDescriptorName=');
}

/** @throws ErrInvalidNetworkAddress for what nobody can listen on. */
function describe(text: string, descriptor: number, backend: Backend): DescribedSocket {
  if (claims.has(descriptor)) {
    const state = `descriptor ${descriptor} belongs to a server of this program already`;
    throw invalid(text, state, 'stop that one first');
  }
  if (backend.describeSocket === undefined) {
    throw new ErrUnsupportedOp(
      `cannot use the address '${text}': the driver ${backend.name} has no descriptors`,
      { address: text },
    );
  }
  let found: DescribedSocket;
  try {
    found = backend.describeSocket(descriptor);
  } catch (error) {
    const state = `descriptor ${descriptor} cannot be used: ${(error as Error).message}`;
    throw invalid(text, state, 'pass a listening socket', error);
  }
  if (found.kind === 'other') {
    const state = `descriptor ${descriptor} is ${found.name}`;
    throw invalid(text, state, 'pass a socket of TCP, of UDP, or a Unix stream socket');
  }
  if (found.kind !== 'udp' && !found.listens) {
    const state = `descriptor ${descriptor} is a socket that does not listen`;
    throw invalid(text, state, 'listen on it before; a connection is taken by server.adopt');
  }
  if (found.kind === 'udp' && /:0$/.test(found.address)) {
    const state = `descriptor ${descriptor} is a datagram socket that is bound to no port`;
    throw invalid(text, state, 'bind it before');
  }
  return found;
}

function socketOf(descriptor: number, { address }: DescribedSocket): GivenSocket {
  const taken = new Int32Array(new SharedArrayBuffer(4));
  return { descriptor, address, shared: true, boundPath: null, taken };
}

function endpointOf(socket: GivenSocket, found: DescribedSocket): Endpoint {
  const { kind, family, v6Only, address } = found;
  if (kind === 'unix') return { kind, path: address, given: [socket] };
  const [, host = '', port = '0'] = /^\[?(.*?)\]?:(\d+)$/.exec(address) ?? [];
  return {
    kind: kind === 'udp' ? 'udp' : 'tcp',
    family,
    v6Only,
    host,
    port: Number(port),
    given: [socket],
  };
}

/**
 * What a given address means: one endpoint per socket, each claimed at once.
 * @throws ErrInvalidNetworkAddress for a descriptor that is no socket, is of another kind, does not
 * listen, or is claimed already; ErrUnsupportedOp where the driver has no descriptors.
 */
export function resolveGiven(address: GivenAddress, backend: Backend, claim: symbol): Endpoint[] {
  return descriptorsOf(address).map((descriptor) => {
    const found = describe(address.text, descriptor, backend);
    const socket = socketOf(descriptor, found);
    claims.set(descriptor, { by: claim, socket });
    return endpointOf(socket, found);
  });
}

/**
 * Nobody claims them any more: the server is over, or has failed to listen, and has closed what it had.
 * What no driver had made its own until then is the program's as before.
 */
export function releaseGiven(claim: symbol): void {
  for (const [descriptor, { by, socket }] of claims) {
    // What was closed before may be another socket's number by now, and another server's.
    if (by !== claim) continue;
    claims.delete(descriptor);
    if (socket.taken?.[0] !== 0) spent.add(descriptor);
  }
}

/** Its sockets are closed: the numbers are free for others. */
export function forgetGiven({ given = [] }: Endpoint): void {
  for (const { descriptor } of given) {
    if (claims.delete(descriptor)) spent.add(descriptor);
  }
}
