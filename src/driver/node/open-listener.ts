/**
 * Opening listeners of `node:net`. Each function resolves with an open server or rejects with a
 * typed error and leaves nothing open.
 */
import { existsSync, fstatSync, linkSync, unlinkSync } from 'node:fs';
import net from 'node:net';
import { dirname } from 'node:path';
import { randomHex } from '../../base/crypto.ts';
import { ErrUnsupportedOp } from '../../base/errors.ts';
import { formatUnix, unixPathBytesMax } from '../../base/unix-address.ts';
import { reusePortMissing } from '../../host/runtime-features.ts';
import {
  type BoundPath,
  boundPathOf,
  isListedAsBound,
  lockNameFor,
  removeDeadSocket,
  socketFileAt,
  uniqueNameBeside,
} from '../bound-path.ts';
import type { Endpoint, GivenSocket, SocketOptions } from '../contract.ts';
import { markTaken } from '../given-sockets.ts';
import { addressText, endpointText } from './address-text.ts';
import { pipePath } from './pipe-path.ts';
import { runtimeError } from './runtime-error.ts';

export interface OpenedServer {
  readonly kind: 'tcp' | 'unix';
  readonly server: net.Server;
  /** With its real port. */
  readonly address: string;
  readonly boundPath: BoundPath | null;
  /**
   * What it is to listen on from the first accept on: the runtime accepts as soon as it listens, which
   * would be too early beside the process that has the socket now.
   */
  readonly given?: GivenSocket;
}

type UnixEndpoint = Endpoint & { readonly kind: 'unix' };
type OnConnection = (socket: net.Socket) => void;

const abstractNamesTried = 16;

/** @throws ErrUnsupportedOp where sockets of the runtime cannot share a port, for that reason. */
export function requireReusePort(options: SocketOptions, missing: string | null): void {
  if (!options.reusePort || missing === null) return;
  throw new ErrUnsupportedOp(
    `cannot listen with reusePort, nor with several loops: ${missing}; use one loop, or another driver`,
  );
}

/**
 * @throws ErrUnsupportedOp: a program that asks for one interface must not be reached over others, nor
 * lose descriptors that it asks for.
 */
export function refuseWhatCannotBe({ extras }: SocketOptions): void {
  if (extras?.takesDescriptors === true) {
    throw new ErrUnsupportedOp(
      "cannot use receiveDescriptors: the driver 'node' cannot: the runtime's sockets read without control " +
        'messages, and the kernel closes what came in them; use a native driver',
    );
  }
  if (extras === undefined || extras.device === '') return;
  throw new ErrUnsupportedOp(
    `cannot use bindToDevice '${extras.device}': the driver 'node' cannot; use a native driver`,
  );
}

function createServer(options: SocketOptions, onConnection: OnConnection): net.Server {
  refuseWhatCannotBe(options);
  const { tcpNoDelay, keepAliveSeconds } = options;
  return net.createServer(
    {
      allowHalfOpen: true,
      // Nothing is read before there is a stream for it.
      pauseOnConnect: true,
      noDelay: tcpNoDelay,
      keepAlive: keepAliveSeconds > 0,
      keepAliveInitialDelay: keepAliveSeconds * 1_000,
    },
    onConnection,
  );
}

function listen(server: net.Server, options: net.ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    // Throws at once for some errors, which rejects as well.
    server.listen(options, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

export function openServer(
  endpoint: Endpoint,
  options: SocketOptions,
  onConnection: OnConnection,
): Promise<OpenedServer> {
  const create = (): net.Server => createServer(options, onConnection);
  const given = endpoint.given?.[0];
  if (given !== undefined) return takeGiven(endpoint, given, create);
  if (endpoint.kind !== 'unix') return openTcp(endpoint, options, create);
  if (options.reusePort) {
    // As the other drivers say; the runtime would leave the option out.
    const error = { code: 'ENOTSUP', syscall: 'setsockopt' };
    const action = `set SO_REUSEPORT for unix://${endpoint.path}`;
    return Promise.reject(runtimeError(error, 'setsockopt', action, endpoint.path));
  }
  if (endpoint.path.startsWith('@')) return openAbstract(endpoint, options, create);
  // Named pipes are in this place there: no files, which vanish with their server.
  if (process.platform === 'win32') return openUnixDirectly(endpoint.path, options, create);
  return openUnix(endpoint.path, options, create);
}

/** A socket that listens already: only looked at so far. */
async function takeGiven(
  endpoint: Endpoint,
  given: GivenSocket,
  create: () => net.Server,
): Promise<OpenedServer> {
  const { address, boundPath, descriptor } = given;
  try {
    fstatSync(descriptor);
  } catch (error) {
    throw runtimeError(error, 'fstat', `listen on descriptor ${descriptor}`, address);
  }
  const kind = endpoint.kind === 'unix' ? 'unix' : 'tcp';
  const server = create();
  markTaken(given);
  return { kind, server, address, boundPath, given };
}

async function openTcp(
  endpoint: Exclude<Endpoint, UnixEndpoint>,
  options: SocketOptions,
  create: () => net.Server,
): Promise<OpenedServer> {
  requireReusePort(options, reusePortMissing());
  const server = create();
  const address = endpointText(endpoint);
  try {
    await listen(server, {
      host: endpoint.host,
      port: endpoint.port,
      backlog: options.backlog,
      ipv6Only: endpoint.v6Only,
      exclusive: true,
      ...(options.reusePort ? { reusePort: true } : {}),
    });
  } catch (error) {
    throw runtimeError(error, 'listen', `listen on ${address}`, address);
  }
  const bound = server.address() as net.AddressInfo;
  return {
    kind: 'tcp',
    server,
    address: addressText(bound.address, bound.port),
    boundPath: null,
  };
}

/** `@` alone: a free name of the form that the kernel's autobind gives. unix(7) */
async function openAbstract(
  endpoint: UnixEndpoint,
  options: SocketOptions,
  create: () => net.Server,
): Promise<OpenedServer> {
  const named = endpoint.path !== '@';
  for (let tried = 1; ; tried++) {
    const name = named ? endpoint.path.slice(1) : randomHex(3).slice(1);
    const path = pipePath(`@${name}`);
    const server = create();
    try {
      await listen(server, { path, backlog: options.backlog, exclusive: true });
      return { kind: 'unix', server, address: formatUnix(`@${name}`), boundPath: null };
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (!named && code === 'EADDRINUSE' && tried < abstractNamesTried) continue;
      throw runtimeError(error, 'listen', `listen on unix://@${name}`, `@${name}`);
    }
  }
}

/**
 * The runtime removes the path that it bound when it closes, whoever's it is by then. So it binds a
 * name of its own beside it, and the path is a second name of that socket, which this driver removes
 * itself if it still is ours. Linking never replaces a file that is there.
 */
async function openUnix(
  path: string,
  options: SocketOptions,
  create: () => net.Server,
): Promise<OpenedServer> {
  const fail = (code: string, syscall: string): Error =>
    runtimeError({ code, syscall }, syscall, `listen on unix://${path}`, path);
  // The runtime reports a missing directory as EACCES.
  if (!existsSync(dirname(path))) throw fail('ENOENT', 'bind');
  const ownName = uniqueNameBeside(path);
  const linked = Buffer.byteLength(ownName) <= unixPathBytesMax();
  if (!linked) return openUnixDirectly(path, options, create);
  const server = create();
  try {
    await listen(server, { path: ownName, backlog: options.backlog, exclusive: true });
  } catch (error) {
    throw runtimeError(error, 'listen', `listen on unix://${path}`, path);
  }
  try {
    if (!tryLink(ownName, path)) {
      if (!(await makeWay(path)) || !tryLink(ownName, path)) throw fail('EADDRINUSE', 'bind');
    }
    unlinkSync(ownName);
    return { kind: 'unix', server, address: formatUnix(path), boundPath: boundPathOf(path) };
  } catch (error) {
    server.close();
    if ((error as { syscall?: string }).syscall === 'bind') throw error;
    // No links in this file system, or the Permission Model forbids them.
    return openUnixDirectly(path, options, create);
  }
}

/** False when there is something at the path already. */
function tryLink(ownName: string, path: string): boolean {
  try {
    linkSync(ownName, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function openUnixDirectly(
  path: string,
  options: SocketOptions,
  create: () => net.Server,
): Promise<OpenedServer> {
  const attempt = async (): Promise<net.Server> => {
    const server = create();
    // A path like a number is none for the runtime.
    const name = Number.isNaN(Number(path)) ? path : `./${path}`;
    await listen(server, { path: pipePath(name), backlog: options.backlog, exclusive: true });
    return server;
  };
  try {
    const server = await attempt().catch(async (error: unknown) => {
      const busy = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
      // A pipe of Windows is never dead, and looking at it would connect to it.
      if (!busy || process.platform === 'win32' || !(await makeWay(path))) throw error;
      return attempt();
    });
    return { kind: 'unix', server, address: formatUnix(path), boundPath: null };
  } catch (error) {
    throw runtimeError(error, 'listen', `listen on unix://${path}`, path);
  }
}

/** Takes a dead socket file out of the way, never anything else. */
async function makeWay(path: string): Promise<boolean> {
  const found = socketFileAt(path);
  if (found === null || !(await isDead(path))) return false;
  const lock = net.createServer();
  try {
    if (process.platform === 'linux') {
      await listen(lock, { path: pipePath(lockNameFor(path)), exclusive: true });
    }
  } catch (error) {
    // Another server that takes it away right now will have the path. Other errors: no lock is to be had.
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false;
  }
  try {
    // Another one may have been faster, and listen there by now.
    return socketFileAt(path) === found && (await isDead(path)) && removeDeadSocket(path, found);
  } finally {
    lock.close();
  }
}

/** A socket file without a listener: connecting to it is refused. unix(7) */
async function isDead(path: string): Promise<boolean> {
  // A server that is bound and about to listen refuses connects too.
  if (isListedAsBound(path)) return false;
  return new Promise((resolve) => {
    const probe = net.connect({ path: pipePath(path) });
    probe.once('connect', () => {
      probe.destroy();
      resolve(false);
    });
    probe.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code === 'ECONNREFUSED'));
  });
}
