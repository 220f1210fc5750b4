/**
 * What the connections of a run are carried by. Suites ask `startRig`, `startLoops` and `startClient` for
 * servers and clients, and `connect` for sockets: after `npm test -- --transport tls test/server` all of
 * these speak TLS, and the suites are the same.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import type { Client, ClientOptions, Options } from 'gnet';
import { makeFamily } from '../../testing/certificates.ts';
import { RawClient, targetOf } from 'gnet/testing';

export type TransportOfRun = 'plain' | 'tls';

export const transportOfRun: TransportOfRun =
  process.env['GNET_TEST_TRANSPORT'] === 'tls' ? 'tls' : 'plain';

/** Options of a test that has no meaning over TLS: it is skipped there, with the reason. */
export function notOverTls(reason: string): { readonly skip: string | false } {
  return { skip: transportOfRun === 'tls' && `not over TLS: ${reason}` };
}

/** Reasons that several tests have. */
export const rawBytes = 'its clients put their own bytes on the wire';
export const kernelCounts = 'it counts what the kernel gives and takes, byte for byte';

let family: ReturnType<typeof makeFamily> | undefined;

/** Of servers for `localhost`, made when they are first needed. */
export function certificates(): {
  readonly key: string;
  readonly cert: string;
  readonly ca: string;
} {
  family ??= makeFamily();
  const { leaf, middle, root } = family;
  return { key: leaf.key, cert: leaf.cert + middle.cert, ca: root.cert };
}

/** What a server of this run needs so that its streams are carried as they should be. */
export function serverOptions(address: string | readonly string[]): Options {
  const all = [address].flat();
  const secure = transportOfRun === 'tls' && all.some((one) => !one.startsWith('udp'));
  return secure || all.some((one) => one.startsWith('tls://')) ? { tls: certificates() } : {};
}

/** The same of a client that dials such servers. */
export function clientOptions(): ClientOptions {
  if (transportOfRun === 'plain') return {};
  return { tls: { ca: certificates().ca, servername: 'localhost' } };
}

/** Ports and paths where servers with TLS listen, as long as they do. */
const secured = new Set<string>();

/** `9000` of `tcp://127.0.0.1:9000`, `/run/app.sock` of `unix:///run/app.sock`. */
function portOrPath(address: string): string {
  const bare = address.replace(/^[a-z0-9]+:\/\//, '');
  return /:(\d+)$/.exec(bare)?.[1] ?? bare;
}

const isSecured = (address: unknown): boolean =>
  typeof address === 'string' && secured.has(portOrPath(address));

/** Returns how to forget it. */
export function rememberSecured(addresses: readonly string[]): () => void {
  const places = addresses.map(portOrPath);
  for (const place of places) secured.add(place);
  return () => {
    for (const place of places) secured.delete(place);
  };
}

/** A client whose dials speak what the server there does. */
export function securing(client: Client): Client {
  if (transportOfRun === 'plain') return client;
  for (const way of ['dial', 'link', 'pool'] as const) {
    const method = client[way] as (address: string, options?: object) => unknown;
    const securely = (address: string, options?: object): unknown =>
      method.call(client, address, isSecured(address) ? { tls: true, ...options } : options);
    Object.defineProperty(client, way, { value: securely });
  }
  return client;
}

/** Connected, over what the server there speaks. */
export function openClient(
  address: string,
  secure: boolean = isSecured(address),
): Promise<RawClient> {
  return secure ? RawClient.connectTls(address, certificates().ca) : RawClient.connect(address);
}

/** A socket of the runtime's, half open if it comes to that, for those who want to use it themselves. */
export async function openSocket(address: string): Promise<Socket> {
  const plain = connect({ ...targetOf(address), allowHalfOpen: true });
  plain.on('error', () => {});
  if (!isSecured(address)) {
    await once(plain, 'connect');
    return plain;
  }
  const { ca } = certificates();
  const socket = tlsConnect({ socket: plain, ca, servername: 'localhost' });
  socket.on('error', () => {});
  // Only a plain one can.
  socket.resetAndDestroy = () => {
    plain.resetAndDestroy();
    return socket;
  };
  await once(socket, 'secureConnect');
  return socket;
}

/** Begins to connect, with the handshake behind it. */
export function beginClient(address: string, secure: boolean = isSecured(address)): RawClient {
  return secure ? RawClient.beginTls(address, certificates().ca) : RawClient.begin(address);
}
