/** TLS and http2 of Node over connections of gnet, and Node's plain servers over TLS of gnet. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import http2, { type ClientHttp2Session, type ServerHttp2Stream } from 'node:http2';
import https from 'node:https';
import tls from 'node:tls';
import { describe, test } from 'node:test';
import { client } from 'gnet';
import {
  type ConnectionServer,
  type ConnSocket,
  createConnection,
  type TlsConnSocket,
  toDuplex,
} from 'gnet/stream';
import { makeCertificate } from '../../testing/certificates.ts';
import { listenByGnet, overNodeNet, sides } from '../support/sides.ts';

const { cert, key } = makeCertificate({
  commonName: 'localhost',
  names: ['localhost', '127.0.0.1'],
});
const trust = { ca: cert, servername: 'localhost' };

function get(port: number, options: https.RequestOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const where = { port, host: '127.0.0.1', agent: false, ...trust, ...options } as const;
    const request = https.get(where, (response) => {
      let text = '';
      response.on('data', (part: Buffer) => {
        text += part;
      });
      response.on('end', () => resolve(text));
    });
    request.on('error', reject);
  });
}

async function download(session: ClientHttp2Session, bytes = 0): Promise<number> {
  const stream = session.request({ ':path': '/', ':method': bytes > 0 ? 'POST' : 'GET' });
  stream.end(bytes > 0 ? Buffer.alloc(bytes, 1) : undefined);
  let length = 0;
  for await (const part of stream) length += (part as Buffer).length;
  return length;
}

for (const side of sides) {
  describe(`over ${side.name}`, () => {
    test('https.Server: encrypted, and it knows its client', async (t) => {
      const server = https.createServer({ cert, key }, ({ socket }, response) => {
        response.end(`${(socket as tls.TLSSocket).encrypted} ${socket.remoteAddress}`);
      });
      assert.equal(await get(await side.listen(t, server)), 'true 127.0.0.1');
    });

    test('tls.Server: 10 MB back, ALPN, and the address of the client', async (t) => {
      const server = tls.createServer({ cert, key, ALPNProtocols: ['x'] }, (socket) => {
        socket.write(`${socket.alpnProtocol} ${socket.remoteAddress} `);
        socket.pipe(socket);
      });
      const port = await side.listen(t, server);
      const options = { port, host: '127.0.0.1', ALPNProtocols: ['x'], ...trust };
      const socket = tls.connect(options);
      socket.end(Buffer.alloc(10 << 20, 2));
      const parts: Buffer[] = [];
      for await (const part of socket) parts.push(part as Buffer);
      const all = Buffer.concat(parts);
      assert.equal(all.subarray(0, 12).toString(), 'x 127.0.0.1 ');
      assert.equal(all.length, 12 + (10 << 20));
    });

    test('http2 in clear: three streams of 3 MB', async (t) => {
      const server = http2.createServer();
      const seen: (string | undefined)[] = [];
      server.on('session', (session) => seen.push(session.socket.remoteAddress));
      server.on('stream', (stream: ServerHttp2Stream) => {
        stream.respond({ ':status': 200 });
        stream.pipe(stream);
      });
      const session = http2.connect(`http://127.0.0.1:${await side.listen(t, server as never)}`);
      t.after(() => session.destroy());
      const lengths = await Promise.all([1, 2, 3].map(() => download(session, 3 << 20)));
      assert.deepEqual(lengths, [3 << 20, 3 << 20, 3 << 20]);
      assert.deepEqual(seen, ['127.0.0.1']);
      session.close();
      await once(session, 'close');
    });

    test('http2 over TLS, with HTTP/1.1 beside it', async (t) => {
      const server = http2.createSecureServer(
        { cert, key, allowHTTP1: true },
        (request, response) => {
          response.end(`${request.httpVersion} ${request.socket.remoteAddress}`);
        },
      );
      const port = await side.listen(t, server as never);
      const session = http2.connect(`https://localhost:${port}`, { ca: cert });
      t.after(() => session.destroy());
      assert.equal(await download(session), '2.0 127.0.0.1'.length);
      session.close();
      assert.equal(await get(port), '1.1 127.0.0.1');
    });
  });
}

test('http.Server over TLS of gnet', async (t) => {
  const server = http.createServer(({ socket }, response) => {
    const { encrypted, servername, remoteAddress } = socket as unknown as TlsConnSocket;
    response.end(`${encrypted} ${servername} ${remoteAddress} ${protocolOf(socket)}`);
  });
  const port = await listenByGnet(t, server, { tls: { cert, key } });
  assert.match(await get(port), /^true localhost 127\.0\.0\.1 TLSv1\.[23]$/);
});

/** Whatever takes a socket itself, for each connection. */
function taking(accept: (socket: ConnSocket) => void): ConnectionServer {
  return {
    allowHalfOpen: true,
    emit(event: string, socket: ConnSocket) {
      if (event === 'connection') accept(socket);
      return true;
    },
  };
}

test('a TLSSocket of its own over a connection', async (t) => {
  const secureContext = tls.createSecureContext({ cert, key });
  const port = await listenByGnet(
    t,
    taking((socket) => {
      const secure = new tls.TLSSocket(socket, { isServer: true, secureContext });
      secure.pipe(secure);
    }),
  );
  const socket = tls.connect({ port, host: '127.0.0.1', ...trust });
  socket.end(Buffer.alloc(10 << 20, 2));
  let length = 0;
  for await (const part of socket) length += (part as Buffer).length;
  assert.equal(length, 10 << 20);
});

test('http2.performServerHandshake over a connection', async (t) => {
  const port = await listenByGnet(
    t,
    taking((socket) => {
      const session = http2.performServerHandshake(socket);
      session.on('error', () => {});
      session.on('stream', (stream: ServerHttp2Stream) => {
        stream.respond({ ':status': 200 });
        stream.pipe(stream);
      });
    }),
  );
  const session = http2.connect(`http://127.0.0.1:${port}`);
  session.on('error', () => {});
  t.after(() => session.destroy());
  const lengths = await Promise.all([1, 2, 3].map(() => download(session, 1 << 20)));
  assert.deepEqual(lengths, [1 << 20, 1 << 20, 1 << 20]);
  session.close();
  await once(session, 'close');
});

const protocolOf = (socket: unknown): string | null => (socket as TlsConnSocket).getProtocol();

describe('a client of Node over a connection that gnet dials', () => {
  test('tls.connect', async (t) => {
    const server = tls.createServer({ cert, key }, (socket) => void socket.end('hello'));
    const port = await overNodeNet.listen(t, server);
    const dialler = await client({});
    t.after(() => dialler.close());
    const below = createConnection(dialler)({ host: '127.0.0.1', port });
    let text = '';
    for await (const part of tls.connect({ socket: below, ...trust })) text += part;
    assert.equal(text, 'hello');
  });

  test('http2.connect', async (t) => {
    const server = http2.createServer((_request, response) => void response.end('y'.repeat(500)));
    const port = await overNodeNet.listen(t, server as never);
    const dialler = await client({});
    t.after(() => dialler.close());
    const connect = createConnection(dialler);
    const session = http2.connect('http://localhost', {
      createConnection: () => connect({ host: '127.0.0.1', port }),
    });
    t.after(() => session.destroy());
    assert.equal(await download(session), 500);
    session.close();
  });
});

describe('a client of gnet that does TLS', () => {
  const ours = { tls: { ...trust, ALPNProtocols: ['x'] } };

  test('toDuplex: 10 MB there and back, and what it says of TLS', async (t) => {
    const server = tls.createServer({ cert, key, ALPNProtocols: ['x'] }, (socket) => {
      socket.on('error', () => {}).pipe(socket);
    });
    const port = await overNodeNet.listen(t, server);
    const dialler = await client(
      {
        onOpened(c) {
          c.context = toDuplex(c);
        },
      },
      ours,
    );
    t.after(() => dialler.close());
    const socket = (await dialler.dial(`tls://127.0.0.1:${port}`)).context as TlsConnSocket;
    assert.deepEqual(
      [socket.encrypted, socket.authorized, socket.alpnProtocol, socket.isSessionReused()],
      [true, true, 'x', false],
    );
    assert.match(String(protocolOf(socket)), /^TLSv1\.[23]$/);
    assert.equal((socket.getPeerCertificate() as tls.PeerCertificate).subject.CN, 'localhost');
    const bytes = Buffer.alloc(10 << 20, 3);
    socket.end(bytes);
    const parts: Buffer[] = [];
    for await (const part of socket) parts.push(part as Buffer);
    assert.ok(Buffer.concat(parts).equals(bytes));
  });

  test('createConnection for an https.Agent: the socket says that it is encrypted', async (t) => {
    const server = https.createServer({ cert, key }, (request, response) => {
      response.end(`${request.method} ${(request.socket as tls.TLSSocket).encrypted}`);
    });
    const port = await overNodeNet.listen(t, server);
    const dialler = await client({}, { tls: trust });
    t.after(() => dialler.close());
    const connect = createConnection(dialler);
    const agent = new https.Agent();
    const sockets: ConnSocket[] = [];
    agent.createConnection = () => {
      const socket = connect({ protocol: 'https:', host: '127.0.0.1', port });
      sockets.push(socket);
      return socket;
    };
    assert.equal(await get(port, { agent }), 'GET true');
    const [socket] = sockets as unknown as [TlsConnSocket];
    assert.deepEqual([socket.encrypted, socket.authorized, sockets.length], [true, true, 1]);
  });

  test('one that speaks TLS does so again, whatever it connects to', async (t) => {
    const server = tls.createServer({ cert, key }, (socket) => void socket.end('secret'));
    const port = await overNodeNet.listen(t, server);
    const dialler = await client({}, { tls: trust });
    t.after(() => dialler.close());
    const socket = createConnection(dialler)({ protocol: 'https:', host: '127.0.0.1', port });
    for (let life = 0; life < 2; life++) {
      if (life > 0) socket.connect(port, '127.0.0.1');
      assert.equal(String((await once(socket, 'data'))[0]), 'secret');
      assert.match((socket as TlsConnSocket).getProtocol() ?? '', /^TLS/);
      await once(socket, 'close');
    }
    assert.throws(() => socket.connect('/run/none.sock'), { code: 'ErrUnsupportedOp' });
  });
});
