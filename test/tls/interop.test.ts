import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import * as net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import * as tls from 'node:tls';
import { makeFamily } from '../../testing/certificates.ts';
import {
  clientEnd,
  contextPair,
  identityOf,
  serverEnd,
  type TlsEnd,
} from '../../testing/tls-end.ts';
import type { ClientSession } from '../../src/tls/openssl/client-session.ts';

const family = makeFamily();
const versions = { 'TLSv1.2': 0x303, 'TLSv1.3': 0x304 } as const;
const protocols = Object.keys(versions) as (keyof typeof versions)[];
const chain = family.leaf.cert + family.middle.cert;

/** Moves bytes between a session and a socket, `piece` at a time. */
function attach(end: TlsEnd, socket: net.Socket, piece = 65_536): void {
  const send = (): void => {
    const bytes = end.take();
    if (bytes.length > 0 && socket.writable) socket.write(bytes);
  };
  socket.on('data', (data: Buffer) => {
    for (let at = 0; at < data.length; at += piece) end.feed(data.subarray(at, at + piece));
    onData.get(end)?.(end);
    send();
  });
  socket.on('end', () => {
    end.session.transportEnded();
    socket.end();
  });
  socket.on('error', () => socket.destroy());
  senders.set(end, send);
  send();
}

const onData = new WeakMap<TlsEnd, (end: TlsEnd) => void>();
const senders = new WeakMap<TlsEnd, () => void>();

/** Answers what it was sent, and closes when the other side does. */
function echo(end: TlsEnd): void {
  if (end.received.length > 0 && !end.session.ended) {
    end.write(end.received);
    end.received = Buffer.alloc(0);
  }
  if (end.session.peerEnded) end.close();
}

async function listen(t: TestContext, onSocket: (socket: net.Socket) => void): Promise<number> {
  const server = net.createServer({ allowHalfOpen: true }, onSocket);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return (server.address() as net.AddressInfo).port;
}

suite('node:tls', () => {
  for (const protocol of protocols) {
    for (const piece of [1, 65_536]) {
      test(`${protocol}: its client at our server, ${piece} bytes at a time`, async (t) => {
        const { server } = contextPair(family, { protocols: ['h2', 'http/1.1'] });
        const port = await listen(t, (socket) => {
          const end = serverEnd(server);
          onData.set(end, echo);
          attach(end, socket, piece);
        });
        let session: Buffer | undefined;
        for (const resumed of [false, true]) {
          const client = tls.connect({
            port,
            host: '127.0.0.1',
            servername: 'localhost',
            ca: family.root.cert,
            ALPNProtocols: ['http/1.1'],
            minVersion: protocol,
            maxVersion: protocol,
            ...(session === undefined ? {} : { session }),
          });
          client.on('session', (given) => (session = given));
          await once(client, 'secureConnect');
          assert.equal(client.authorized, true);
          assert.equal(client.getProtocol(), protocol);
          assert.equal(client.alpnProtocol, 'http/1.1');
          assert.equal(client.isSessionReused(), resumed);
          const sent = Buffer.alloc(50_000, 'gnet');
          client.end(sent);
          const received: Buffer[] = [];
          client.on('data', (data: Buffer) => received.push(data));
          await once(client, 'end');
          assert.deepEqual(Buffer.concat(received), sent);
        }
      });

      test(`${protocol}: our client at its server, ${piece} bytes at a time`, async (t) => {
        const server = tls.createServer({
          key: family.leaf.key,
          cert: chain,
          ca: family.root.cert,
          requestCert: true,
          ALPNProtocols: ['h2'],
          minVersion: protocol,
          maxVersion: protocol,
        });
        server.on('secureConnection', (socket) => socket.pipe(socket));
        server.listen(0, '127.0.0.1');
        await once(server, 'listening');
        t.after(() => server.close());
        const identities = [identityOf(family.client, family.middle)];
        const { client: context } = contextPair(family, {}, { protocols: ['h2'], identities });
        let session: Uint8Array | undefined;
        for (const resumed of [false, true]) {
          const socket = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1');
          await once(socket, 'connect');
          const end = clientEnd(context, { session });
          const opened = new Promise<void>((resolve) =>
            onData.set(end, () => {
              assert.equal(end.session.failure, null);
              if (end.open) resolve();
            }),
          );
          attach(end, socket, piece);
          await opened;
          const facts = end.session.facts();
          assert.equal(facts.authorized, true);
          assert.equal(facts.alpnProtocol, 'h2');
          assert.equal(facts.resumed, resumed);
          const answered = new Promise<void>((resolve) =>
            onData.set(end, () => end.received.length === 100_000 && resolve()),
          );
          end.write(Buffer.alloc(100_000, 'gnet'));
          senders.get(end)?.();
          await answered;
          session = (end.session as ClientSession).exportSession() ?? undefined;
          end.close();
          senders.get(end)?.();
          await once(socket, 'end');
          assert.ok(end.session.peerEnded);
          assert.equal(end.session.failure, null);
          end.free();
        }
      });
    }
  }
});

const openssl = spawnSync('openssl', ['version'], { encoding: 'utf8' });
const skip = openssl.status === 0 ? false : 'no program openssl on this machine';

suite('the program openssl', { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'gnet-tls-'));
  const file = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  const root = file('root.pem', family.root.cert);
  const cert = file('chain.pem', chain);
  const key = file('key.pem', family.leaf.key);
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const flag = { 'TLSv1.2': '-tls1_2', 'TLSv1.3': '-tls1_3' } as const;

  for (const protocol of protocols) {
    test(`${protocol}: s_client at our server`, async (t) => {
      const { server } = contextPair(family, { protocols: ['echo'] });
      const port = await listen(t, (socket) => {
        const end = serverEnd(server);
        onData.set(end, echo);
        attach(end, socket);
      });
      const args = ['s_client', '-connect', `127.0.0.1:${port}`, '-servername', 'localhost'];
      args.push('-CAfile', root, '-verify_return_error', '-alpn', 'echo', flag[protocol]);
      const client = spawn('openssl', args, { stdio: 'pipe' });
      let output = '';
      client.stdout.on('data', (data) => {
        output += String(data);
        if (output.includes('Verify return code')) client.stdin.write('hello there\n');
        if (output.includes('\nhello there')) client.stdin.end('Q\n');
      });
      let errors = '';
      client.stderr.on('data', (data) => (errors += String(data)));
      const [code] = await once(client, 'close');
      assert.equal(code, 0, errors);
      assert.match(output, /Verify return code: 0 \(ok\)/);
      assert.match(output, /ALPN protocol: echo/);
      assert.match(output, /\nhello there/);
    });

    test(`${protocol}: our client at s_server`, async (t) => {
      const args = ['s_server', '-accept', '127.0.0.1:0', '-cert', cert, '-key', key];
      args.push('-cert_chain', cert, '-rev', flag[protocol]);
      const server = spawn('openssl', args, { stdio: 'pipe' });
      t.after(() => server.kill());
      const port = await new Promise<number>((resolve) => {
        let output = '';
        server.stdout.on('data', (data) => {
          output += String(data);
          const accepting = /ACCEPT 127\.0\.0\.1:(\d+)/.exec(output);
          if (accepting !== null) resolve(Number(accepting[1]));
        });
      });
      const socket = net.connect(port, '127.0.0.1');
      await once(socket, 'connect');
      const { client } = contextPair(family);
      const end = clientEnd(client);
      const reversed = new Promise<void>((resolve, reject) =>
        onData.set(end, () => {
          if (end.session.failure !== null) reject(end.session.failure);
          if (end.open && end.received.length === 0) end.write('drawer\n');
          if (end.received.includes('\n')) resolve();
        }),
      );
      attach(end, socket);
      await reversed;
      assert.match(end.received.toString(), /^reward\n/);
      assert.equal(end.session.facts().protocol, protocol);
      socket.destroy();
      end.free();
    });
  }
});
