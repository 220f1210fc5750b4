/** What tests of TLS over real sockets have in common: certificates, servers, clients of node:tls. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as tls from 'node:tls';
import type { EventHandler, Options } from 'gnet';
import { makeFamily } from '../../testing/certificates.ts';
import { type Rig, startRig, temporaryDirectory, type TestScope } from '../support/rig.ts';

export const family = makeFamily();
/** `key` and `cert` of a server for localhost. */
export const identity = {
  key: family.leaf.key,
  cert: family.leaf.cert + family.middle.cert,
  ca: family.root.cert,
};
/** The same of a client. */
export const clientIdentity = {
  key: family.client.key,
  cert: family.client.cert + family.middle.cert,
};
export const ca: string = family.root.cert;

/** A server with TLS on a free port. */
export function startTls(
  t: TestScope,
  handler: EventHandler,
  options: Options = {},
  address = 'tls://127.0.0.1:0',
): Promise<Rig> {
  return startRig(t, handler, { ...options, tls: { ...identity, ...options.tls } }, address);
}

/** A client of node:tls, connected, which goes away with the test. */
export async function connectTls(
  t: TestScope,
  address: string,
  options: tls.ConnectionOptions = {},
): Promise<tls.TLSSocket> {
  const socket = beginTls(t, address, options);
  await once(socket, 'secureConnect');
  return socket;
}

/** TLS over a socket that is there, as STARTTLS has it; goes away with the test. */
export function secure(
  t: TestScope,
  socket: Socket,
  options: tls.ConnectionOptions = {},
): tls.TLSSocket {
  const secured = tls.connect({ socket, ca, servername: 'localhost', ...options });
  // It may be reset when the server goes away at the end of the test.
  secured.on('error', () => {});
  t.after(() => secured.destroy());
  return secured;
}

export function beginTls(
  t: TestScope,
  address: string,
  options: tls.ConnectionOptions = {},
): tls.TLSSocket {
  const port = Number(/:(\d+)$/.exec(address)?.[1] ?? 0);
  const where = port === 0 ? { path: address } : { host: '127.0.0.1', port };
  const socket = tls.connect({ ...where, ca, servername: 'localhost', ...options });
  socket.on('error', () => {});
  t.after(() => socket.destroy());
  return socket;
}

/** So many bytes, or all of them until the end when there are fewer. */
export async function readBytes(socket: tls.TLSSocket, count: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let length = 0;
  if (count === 0) return Buffer.alloc(0);
  for await (const piece of socket.iterator({ destroyOnReturn: false })) {
    pieces.push(piece as Buffer);
    length += (piece as Buffer).length;
    if (length >= count) break;
  }
  return Buffer.concat(pieces);
}

/** `cert.pem`, `key.pem`, `ca.pem`, and those of a client, for programs that want files. */
export function writeFiles(
  t: TestScope,
): Readonly<Record<'cert' | 'key' | 'ca' | 'directory', string>> {
  const directory = temporaryDirectory(t);
  const write = (name: string, text: string): string => {
    const path = join(directory, name);
    writeFileSync(path, text);
    return path;
  };
  return {
    directory,
    cert: write('cert.pem', identity.cert),
    key: write('key.pem', identity.key),
    ca: write('ca.pem', ca),
  };
}

/** A relay in clear in front of `address`, which can end both sides without a word of TLS. */
export async function cutter(
  t: TestScope,
  address: string,
): Promise<{ readonly address: string; cut(): void; cutBack(): void }> {
  const port = Number(/:(\d+)$/.exec(address)?.[1]);
  const ends: (() => void)[] = [];
  const backEnds: (() => void)[] = [];
  const relay = createServer((near) => {
    const far = connect({ host: '127.0.0.1', port });
    near.pipe(far, { end: false });
    far.pipe(near, { end: false });
    for (const socket of [near, far]) socket.on('error', () => {});
    ends.push(() => far.end());
    backEnds.push(() => near.end());
    t.after(() => {
      near.destroy();
      far.destroy();
    });
  });
  relay.listen(0, '127.0.0.1');
  await once(relay, 'listening');
  t.after(() => relay.close());
  return {
    address: `127.0.0.1:${(relay.address() as { port: number }).port}`,
    cut(): void {
      for (const end of ends) end();
    },
    /** Towards the client. */
    cutBack(): void {
      for (const end of backEnds) end();
    },
  };
}

/** A relay in front of `address` that passes what clients send on in pieces, at a pace that is set. */
export async function trickle(
  t: TestScope,
  address: string,
  pieceBytes: number,
): Promise<{ readonly address: string; restMs: number }> {
  const port = Number(/:(\d+)$/.exec(address)?.[1]);
  const relay = createServer((near) => {
    const far = connect({ host: '127.0.0.1', port });
    far.pipe(near);
    for (const socket of [near, far]) socket.on('error', () => {});
    void (async () => {
      for await (const bytes of near as AsyncIterable<Buffer>) {
        for (let at = 0; at < bytes.length; at += pieceBytes) {
          if (relayed.restMs > 0) await sleep(relayed.restMs);
          far.write(bytes.subarray(at, at + pieceBytes));
        }
      }
      far.end();
    })().catch(() => far.destroy());
    t.after(() => {
      near.destroy();
      far.destroy();
    });
  });
  t.after(() => relay.close());
  relay.listen(0, '127.0.0.1');
  await once(relay, 'listening');
  const { port: relayPort } = relay.address() as AddressInfo;
  const relayed = { address: `127.0.0.1:${relayPort}`, restMs: 0 };
  return relayed;
}
