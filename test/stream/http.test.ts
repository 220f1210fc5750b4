/** node:http over connections of gnet does what it does over node:net. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http, { type IncomingMessage, type RequestOptions, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { type Side, sides } from '../support/sides.ts';
import { unlessHeldUp } from '../support/unless-held-up.ts';
import { settle, waitUntil } from '../support/wait-until.ts';
import type { TestScope } from '../support/rig.ts';

const blockBytes = 65_536;
/** 100 MB over gnet; over node:net it is a matter of course. */
const blocksOf = (side: Side): number => (side.name === 'gnet' ? 1_600 : 16);

function respond(request: IncomingMessage, response: http.ServerResponse, blocks: number): void {
  const { socket } = request;
  switch (request.url) {
    case '/echo':
      request.pipe(response);
      return;
    case '/big':
      sendBlocks(response, blocks);
      return;
    case '/address':
      response.end(`${socket.remoteAddress} ${socket.remoteFamily} ${socket.localAddress}`);
      return;
    case '/text':
      response.setHeader('x-name', 'caf\u00e9');
      response.end(Buffer.from('caf\u00e9 \u20ac'));
      return;
    case '/never':
      return;
    default:
      response.end('hi');
  }
}

function sendBlocks(response: http.ServerResponse, blocks: number): void {
  const block = Buffer.alloc(blockBytes, 1);
  let left = blocks;
  const go = (): void => {
    while (left-- > 0) {
      if (response.write(block)) continue;
      response.once('drain', go);
      return;
    }
    response.end();
  };
  go();
}

function makeServer(options: http.ServerOptions = {}, blocks = 1_600): Server {
  const server = http.createServer(options, (request, response) => {
    respond(request, response, blocks);
  });
  server.on('upgrade', (_request, socket, head) => {
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n',
    );
    socket.write(head);
    socket.pipe(socket);
  });
  server.on('connect', (_request, socket) => {
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    socket.pipe(socket);
  });
  return server;
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
  readonly localPort: number | undefined;
}

function ask(options: RequestOptions, body?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = http.request({ host: '127.0.0.1', ...options }, (response) => {
      const { localPort } = response.socket;
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', reject);
      response.on('end', () => {
        const { statusCode: status, headers } = response;
        resolve({ status, headers, body: Buffer.concat(parts), localPort });
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}

function dial(t: TestScope, port: number): Socket {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  t.after(() => socket.destroy());
  return socket;
}

async function everything(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (part: Buffer) => {
    text += part.toString('latin1');
  });
  await once(socket, 'close');
  return text;
}

async function until(socket: Socket, ending: string): Promise<string> {
  let text = '';
  socket.on('data', (part: Buffer) => {
    text += part.toString('latin1');
  });
  await waitUntil(() => text.endsWith(ending), `${ending} arrives`);
  socket.removeAllListeners('data');
  return text;
}

const get = (extra = ''): string => `GET / HTTP/1.1\r\nHost: a\r\n${extra}\r\n`;

for (const side of sides) describe(`node:http over ${side.name}`, () => behaviours(side));

function behaviours(side: Side): void {
  test('answers; text of the header is latin1, of the body UTF-8', async (t) => {
    const port = await side.listen(t, makeServer());
    assert.equal(String((await ask({ port, agent: false })).body), 'hi');
    const { headers, body } = await ask({ port, path: '/text', agent: false });
    assert.equal(headers['x-name'], 'caf\u00e9');
    assert.equal(String(body), 'caf\u00e9 \u20ac');
  });

  test('addresses of the client and of the server', async (t) => {
    const port = await side.listen(t, makeServer());
    const { body } = await ask({ port, path: '/address', agent: false });
    assert.equal(String(body), '127.0.0.1 IPv4 127.0.0.1');
  });

  test('100 requests on one connection that is kept alive', async (t) => {
    const port = await side.listen(t, makeServer());
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => agent.destroy());
    const ports = new Set<number | undefined>();
    for (let request = 0; request < 100; request++) {
      ports.add((await ask({ port, agent })).localPort);
    }
    assert.equal(ports.size, 1);
  });

  test('50 requests in one packet', async (t) => {
    const port = await side.listen(t, makeServer());
    const socket = dial(t, port);
    socket.write(get().repeat(49) + get('Connection: close\r\n'));
    const text = await everything(socket);
    assert.equal(text.split('HTTP/1.1 200').length, 51);
  });

  test('a body of 100 MB comes back, with no more in memory than flows', async (t) => {
    const blocks = blocksOf(side);
    const port = await side.listen(t, makeServer());
    const request = http.request({ port, host: '127.0.0.1', path: '/echo', method: 'POST' });
    let received = 0;
    const ended = new Promise<void>((resolve, reject) => {
      request.on('error', reject).on('response', (response) => {
        response.on('data', (part: Buffer) => {
          received += part.length;
        });
        response.on('end', resolve);
      });
    });
    const block = Buffer.alloc(blockBytes, 5);
    for (let sent = 0; sent < blocks; sent++) {
      if (!request.write(block)) await once(request, 'drain');
    }
    request.end();
    await ended;
    assert.equal(received, blocks * blockBytes);
  });

  test('a download of 100 MB', async (t) => {
    const blocks = blocksOf(side);
    const port = await side.listen(t, makeServer({}, blocks));
    const { body } = await ask({ port, path: '/big', agent: false });
    assert.equal(body.length, blocks * blockBytes);
  });

  test('an upgrade, with bytes behind its head', async (t) => {
    const socket = dial(t, await side.listen(t, makeServer()));
    socket.write(`${get('Connection: Upgrade\r\nUpgrade: echo\r\n')}early`);
    await until(socket, 'early');
    socket.write('late');
    await until(socket, 'late');
  });

  test('CONNECT', async (t) => {
    const socket = dial(t, await side.listen(t, makeServer()));
    socket.write('CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n');
    await until(socket, '\r\n\r\n');
    socket.write('through');
    await until(socket, 'through');
  });

  test('Expect: 100-continue', async (t) => {
    const socket = dial(t, await side.listen(t, makeServer()));
    const head = 'POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n';
    socket.write(`${head}Content-Length: 3\r\nConnection: close\r\n\r\n`);
    assert.match(await until(socket, '\r\n\r\n'), /^HTTP\/1.1 100 /);
    socket.write('abc');
    assert.match(await everything(socket), /^HTTP\/1.1 200 .*abc/s);
  });

  test('a request that is none is answered with 400', async (t) => {
    const socket = dial(t, await side.listen(t, makeServer()));
    socket.write('BOO\r\n\r\n');
    assert.match(await everything(socket), /^HTTP\/1.1 400 /);
  });

  test('a head that is too long is answered with 431', async (t) => {
    const socket = dial(t, await side.listen(t, makeServer({ maxHeaderSize: 1_000 })));
    socket.write(get(`X-Long: ${'x'.repeat(2_000)}\r\n`));
    assert.match(await everything(socket), /^HTTP\/1.1 431 /);
  });

  test('a listener of clientError has the socket, and answers by itself', async (t) => {
    const server = makeServer();
    server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      socket.end(`HTTP/1.1 400 ${error.code}\r\nConnection: close\r\n\r\n`);
    });
    const socket = dial(t, await side.listen(t, server));
    socket.write('GET / HTTP/1.1\r\nContent-Length: a\r\n\r\n');
    assert.match(await everything(socket), /^HTTP\/1.1 400 HPE_/);
  });

  test('chunks and trailers, both ways', async (t) => {
    const server = http.createServer((request, response) => {
      response.setHeader('Trailer', 'X-Sum');
      request.on('data', (part) => response.write(part));
      request.on('end', () => {
        response.addTrailers({ 'X-Sum': String(request.trailers['x-sum']) });
        response.end();
      });
    });
    const socket = dial(t, await side.listen(t, server));
    const head = 'POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTrailer: X-Sum\r\n';
    socket.write(`${head}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n`);
    await until(socket, 'abc\r\n');
    socket.write('2\r\nde\r\n0\r\nX-Sum: 5\r\n\r\n');
    assert.match(await everything(socket), /2\r\nde\r\n0\r\nX-Sum: 5\r\n\r\n$/);
  });

  test('maxRequestsPerSocket ends a connection behind so many answers', async (t) => {
    const server = makeServer();
    server.maxRequestsPerSocket = 2;
    const socket = dial(t, await side.listen(t, server));
    socket.write(get().repeat(2));
    const text = await everything(socket);
    assert.equal(text.split('HTTP/1.1 200').length, 3);
    assert.match(text, /connection: close\r\n[\s\S]*hi$/i);
  });

  test('closeAllConnections closes those that are busy, too', async (t) => {
    const server = makeServer();
    const socket = dial(t, await side.listen(t, server));
    const asked = once(server, 'request');
    socket.write('GET /never HTTP/1.1\r\nHost: a\r\n\r\n');
    await asked;
    server.closeAllConnections();
    assert.equal(await everything(socket), '');
  });

  test('a head that does not come to its end is answered with 408', async (t) => {
    const limits = { headersTimeout: 200, requestTimeout: 300, connectionsCheckingInterval: 50 };
    const socket = dial(t, await side.listen(t, makeServer(limits)));
    socket.write('GET / HTTP/1.1\r\nHo');
    assert.match(await everything(socket), /^HTTP\/1.1 408 /);
  });

  test('an idle connection is closed after keepAliveTimeout', async (t) => {
    const server = makeServer({ keepAliveTimeout: 150, keepAliveTimeoutBuffer: 0 });
    const socket = dial(t, await side.listen(t, server));
    socket.write(get());
    assert.match(await everything(socket), /^HTTP\/1.1 200 /);
  });

  test('server.setTimeout ends a connection without an answer', async (t) => {
    const server = makeServer();
    server.setTimeout(100);
    const socket = dial(t, await side.listen(t, server));
    socket.write('GET /never HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.equal(await everything(socket), '');
  });

  test('a client that goes away in the middle of an answer', async (t) => {
    const server = makeServer();
    const port = await side.listen(t, server);
    let closed = false;
    server.on('request', (_request, response: http.ServerResponse) => {
      response.on('close', () => {
        closed = !response.writableFinished;
      });
    });
    const request = http.get({ port, host: '127.0.0.1', path: '/big', agent: false });
    request.on('error', () => {});
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    await once(response, 'data');
    request.destroy();
    await waitUntil(() => closed, 'the response hears of it');
  });

  test('closeIdleConnections closes those, and no others', async (t) => {
    const server = makeServer();
    const port = await side.listen(t, server);
    const idle = dial(t, port);
    idle.write(get());
    await until(idle, 'hi');
    const busy = dial(t, port);
    busy.write(
      'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nConnection: close\r\n\r\nab',
    );
    await until(busy, '\r\n\r\n2\r\nab\r\n');
    server.closeIdleConnections();
    await everything(idle);
    busy.write('cd');
    assert.match(await everything(busy), /cd/);
  });

  test('close() answers what is under way, and calls back at the end', async (t) => {
    const server = makeServer();
    const port = await side.listen(t, server);
    const busy = dial(t, port);
    busy.write(
      'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nConnection: close\r\n\r\nab',
    );
    await until(busy, '\r\n\r\n2\r\nab\r\n');
    let closed = false;
    server.close(() => {
      closed = true;
    });
    await settle();
    assert.equal(closed, false);
    assert.equal(server.listening, false);
    busy.write('cd');
    assert.match(await everything(busy), /cd/);
    await waitUntil(() => closed, 'close calls back');
    const again = new Promise((resolve) => server.close(resolve));
    assert.equal(((await again) as NodeJS.ErrnoException).code, 'ERR_SERVER_NOT_RUNNING');
  });

  test('close() leaves a busy connection to its client until it is idle', async (t) => {
    await unlessHeldUp(200, async () => {
      const server = makeServer({ keepAliveTimeout: 500, keepAliveTimeoutBuffer: 0 });
      const busy = dial(t, await side.listen(t, server));
      busy.write('POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab');
      await until(busy, '\r\n\r\n2\r\nab\r\n');
      const closed = once(server, 'close');
      server.close();
      busy.write('cd');
      await until(busy, '0\r\n\r\n');
      await settle(60);
      busy.write(get());
      assert.match(await everything(busy), /^HTTP\/1.1 200 [\s\S]*keep-alive[\s\S]*hi$/);
      await closed;
    });
  });

  test('getConnections and address', async (t) => {
    const server = makeServer();
    const port = await side.listen(t, server);
    assert.deepEqual(server.address(), { address: '127.0.0.1', family: 'IPv4', port });
    const socket = dial(t, port);
    socket.write(get());
    await until(socket, 'hi');
    const count = await new Promise((resolve) => server.getConnections((_e, n) => resolve(n)));
    assert.equal(count, 1);
  });
}
