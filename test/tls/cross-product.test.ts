/**
 * Every combination of version, client certificate, name, protocol and session, between our server and
 * client and those of `node:tls`: both sides have to see the same.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import * as tls from 'node:tls';
import type { Conn, EventHandler } from 'gnet';
import { makeCertificate } from '../../testing/certificates.ts';
import { startClient } from '../support/client-rig.ts';
import type { TestScope } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';
import {
  ca,
  clientIdentity,
  connectTls,
  family,
  identity,
  readBytes,
  startTls,
} from './tls-rig.ts';

interface Combination {
  readonly version: 'TLSv1.2' | 'TLSv1.3';
  readonly certificate: boolean;
  readonly name: 'localhost' | 'named.test';
  readonly protocol: boolean;
}

/** What both sides must see; `authorized` is about the client. */
interface Seen {
  readonly version: string;
  /** Undefined where the server cannot tell. */
  readonly name: string | undefined;
  readonly protocol: string | false;
  readonly resumed: boolean;
  readonly authorized: boolean;
}

/** A server that gives back what comes, and what it has seen of each connection. */
interface Serving {
  readonly port: number;
  readonly seen: Seen[];
}

/** One connection of a client, with the common name of the certificate that it was shown. */
interface Dialled {
  readonly version: string;
  readonly protocol: string | false;
  readonly resumed: boolean;
  /** Undefined where the client cannot tell. */
  readonly shown: string | undefined;
  echo(data: Buffer): Promise<Buffer>;
  end(): Promise<void>;
}

const named = makeCertificate({
  commonName: 'named.test',
  names: ['named.test'],
  issuer: family.middle,
});
const namedIdentity = { key: named.key, cert: named.cert + family.middle.cert };
const asking = { requestCert: true, rejectUnauthorized: false, ALPNProtocols: ['h2', 'echo'] };

type Serve = (t: TestScope) => Promise<Serving>;
type Dial = (port: number, session: { kept?: Buffer | undefined }) => Promise<Dialled>;

const ourServer: Serve = async (t) => {
  const seen: Seen[] = [];
  const handler: EventHandler = {
    onOpened(c) {
      const { protocol, servername, alpnProtocol, resumed, authorized } = c.tls as NonNullable<
        Conn['tls']
      >;
      seen.push({
        version: protocol,
        name: String(servername),
        protocol: alpnProtocol,
        resumed,
        authorized,
      });
    },
    react: (frame) => frame,
  };
  const contexts = { 'named.test': namedIdentity };
  const rig = await startTls(t, handler, { tls: { ...asking, contexts } });
  return { port: Number(rig.server.addr.split(':').at(-1)), seen };
};

const nodeServer: Serve = async (t) => {
  const seen: Seen[] = [];
  const server = tls.createServer({ ...identity, ...asking }, (socket) => {
    seen.push({
      version: socket.getProtocol() ?? '',
      // `false` of a resumed session of TLS 1.2.
      name: (socket as unknown as { servername: string | false }).servername || undefined,
      protocol: socket.alpnProtocol ?? false,
      resumed: socket.isSessionReused(),
      // Node 22 accepts a resumed client of TLS 1.3 that has none.
      authorized: socket.authorized && socket.getPeerX509Certificate() !== undefined,
    });
    socket.on('error', () => {});
    socket.pipe(socket);
    t.after(() => socket.destroy());
  });
  server.addContext('named.test', { ...namedIdentity, ca });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { port: (server.address() as { port: number }).port, seen };
};

function optionsOf({ version, certificate, name, protocol }: Combination) {
  return {
    ca,
    servername: name,
    minVersion: version,
    maxVersion: version,
    ...(certificate && clientIdentity),
    ...(protocol && { ALPNProtocols: ['other', 'echo'] }),
  };
}

function nodeClient(t: TestScope, combination: Combination): Dial {
  return async (port, session) => {
    const { kept } = session;
    const socket = await connectTls(t, `127.0.0.1:${port}`, {
      ...optionsOf(combination),
      ...(kept !== undefined && { session: kept }),
    });
    socket.on('session', (given: Buffer) => {
      session.kept = given;
    });
    return {
      version: socket.getProtocol() ?? '',
      protocol: socket.alpnProtocol || false,
      resumed: socket.isSessionReused(),
      // Nothing of a resumed session of TLS 1.3.
      shown: socket.getPeerCertificate().subject?.CN as string | undefined,
      echo(data) {
        socket.write(data);
        return readBytes(socket, data.length);
      },
      async end() {
        session.kept ??= socket.getSession();
        socket.resume();
        socket.end();
        await once(socket, 'close');
      },
    };
  };
}

async function ourClient(t: TestScope, combination: Combination): Promise<Dial> {
  let received: Buffer[] = [];
  const handler: EventHandler = { react: (frame) => void received.push(Buffer.from(frame ?? '')) };
  const { client } = await startClient(t, handler, { tls: optionsOf(combination) });
  return async (port) => {
    const c = await client.dial(`tls://127.0.0.1:${port}`);
    const { protocol, alpnProtocol, resumed, peerCertificate } = c.tls as NonNullable<Conn['tls']>;
    return {
      version: protocol,
      protocol: alpnProtocol,
      resumed,
      shown: /CN=(.*)/.exec(peerCertificate?.subject ?? '')?.[1] ?? '',
      async echo(data) {
        received = [];
        const length = (): number => received.reduce((sum, one) => sum + one.length, 0);
        c.asyncWrite(data);
        await waitUntil(() => length() >= data.length, 'the echo');
        return Buffer.concat(received);
      },
      async end() {
        c.close();
        await waitUntil(() => client.countConnections() === 0, 'closed');
      },
    };
  };
}

const combinations: Combination[] = [];
for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  for (const certificate of [false, true]) {
    for (const name of ['localhost', 'named.test'] as const) {
      for (const protocol of [false, true]) {
        combinations.push({ version, certificate, name, protocol });
      }
    }
  }
}

/** One byte, a record to its last one, and some of them. */
const lengths = [1, 16_384, 50_000];

async function check(serving: Serving, dial: Dial, combination: Combination): Promise<void> {
  const { version, certificate, name } = combination;
  const protocol = combination.protocol ? 'echo' : false;
  const session = {};
  for (const resumed of [false, true]) {
    const dialled = await dial(serving.port, session);
    for (const length of lengths) {
      const data = Buffer.alloc(length, 'back and forth ');
      assert.ok((await dialled.echo(data)).equals(data));
    }
    const { shown = name } = dialled;
    const sides = {
      version: dialled.version,
      protocol: dialled.protocol,
      resumed: dialled.resumed,
    };
    assert.deepEqual({ ...sides, shown }, { version, protocol, resumed, shown: name });
    const { name: heard = name, ...seen } = serving.seen.pop() as Seen;
    assert.deepEqual({ ...seen, heard }, { ...sides, heard: name, authorized: certificate });
    await dialled.end();
  }
}

const text = ({ version, certificate, name, protocol }: Combination): string =>
  [version, name, certificate && 'a client certificate', protocol && 'ALPN']
    .filter(Boolean)
    .join(', ');

for (const [pair, serve, client] of [
  ['our server, a client of node:tls', ourServer, nodeClient],
  ['a server of node:tls, our client', nodeServer, ourClient],
  ['our server, our client', ourServer, ourClient],
] as const) {
  describe(pair, () => {
    for (const combination of combinations) {
      test(`${text(combination)}: a new session and a resumed one`, async (t) => {
        const serving = await serve(t);
        await check(serving, await client(t, combination), combination);
      });
    }
  });
}
