/** `attach`: what it does to the server, and what it leaves. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { attach } from 'gnet/stream';
import { temporaryDirectory } from '../support/rig.ts';
import { portOf } from '../support/sides.ts';

/** Bun's HTTP servers are none of its `net.Server`. */
const notOfNode = !('_handle' in http.createServer()) && 'its close is not that of net.Server';

const text = async (address: string): Promise<string> => (await fetch(`http://${address}`)).text();

test('a server is told that it listens, is closed, and may be attached again', async () => {
  const server = http.createServer((_request, response) => response.end('hello'));
  for (let time = 1; time <= 2; time++) {
    const listening = once(server, 'listening');
    const running = await attach(server, 'tcp://127.0.0.1:0');
    await listening;
    assert.equal(server.listening, true);
    assert.equal(await text(running.addr), 'hello');
    // Kept alive, also the second time.
    assert.equal(await text(running.addr), 'hello');
    await assert.rejects(attach(server, 'tcp://127.0.0.1:0'), { code: 'ErrUnsupportedOp' });
    const closed = once(server, 'close');
    await running.stop();
    await closed;
    assert.equal(server.listening, false);
    assert.equal(server.address(), null);
  }
  // And by Node itself.
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  await new Promise((resolve) => server.close(resolve));
});

test('a program may put a function of its own before close', async () => {
  const server = http.createServer();
  const running = await attach(server, 'tcp://127.0.0.1:0');
  const close = server.close.bind(server);
  let told = 0;
  server.close = (callback) => {
    told++;
    return close(callback);
  };
  await new Promise((resolve) => server.close(resolve));
  assert.equal(told, 1);
  await running.closed;
});

test('a program may have kept, or replaced, close before', { skip: notOfNode }, async () => {
  const server = http.createServer((_request, response) => response.end('hello'));
  const { close } = server;
  let told = 0;
  server.close = function count(callback) {
    told++;
    return close.call(this, callback);
  };
  for (let time = 1; time <= 2; time++) {
    const running = await attach(server, 'tcp://127.0.0.1:0');
    assert.equal(await text(running.addr), 'hello');
    const byWay = time === 1 ? server.close : close;
    const error = await new Promise((resolve) => byWay.call(server, resolve));
    assert.equal(error, undefined);
    assert.equal(server.listening, false);
    await running.closed;
  }
  assert.equal(told, 1);
  const closedAgain = await new Promise((resolve) => close.call(server, resolve as () => void));
  assert.equal((closedAgain as { code?: string }).code, 'ERR_SERVER_NOT_RUNNING');
});

test('an attached server cannot be told to listen by Node', { skip: notOfNode }, async () => {
  const server = http.createServer();
  const running = await attach(server, 'tcp://127.0.0.1:0');
  assert.throws(() => server.listen(0), { code: 'ERR_SERVER_ALREADY_LISTEN' });
  await running.stop();
});

test('an address that cannot be had rejects, and leaves the server as it was', async () => {
  const server = http.createServer();
  await assert.rejects(attach(server, 'tcp://192.0.2.1:1'), { code: 'EADDRNOTAVAIL' });
  assert.equal(server.listening, false);
  assert.equal(Object.hasOwn(server, 'close'), false);
  const running = await attach(server, 'tcp://127.0.0.1:0');
  await running.stop();
});

test('several addresses, a path among them', async (t) => {
  const server = http.createServer((request, response) => {
    response.end(String(request.socket.remoteAddress));
  });
  const path = join(temporaryDirectory(t), 'http.sock');
  const running = await attach(server, ['tcp://127.0.0.1:0', `unix://${path}`]);
  t.after(() => running.close());
  assert.equal(await text(running.addr), '127.0.0.1');
  const socket = connect(path);
  socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  let answer = '';
  for await (const part of socket) answer += part;
  assert.match(answer, /undefined$/);
});

test('a path in the current folder is told as it is given', async (t) => {
  const before = process.cwd();
  t.after(() => process.chdir(before));
  process.chdir(temporaryDirectory(t));
  const server = http.createServer();
  const running = await attach(server, 'unix://a.sock');
  assert.equal(server.address(), 'a.sock');
  await running.stop();
});

describe('close() waits for nobody who connects at that moment and asks nothing', () => {
  test('of http2', async () => {
    const server = http2.createServer();
    const running = await attach(server, 'tcp://127.0.0.1:0');
    const session = http2.connect(`http://${running.addr}`, () => server.close());
    session.on('error', () => {});
    await Promise.all([once(server, 'close'), once(session, 'close').catch(() => {})]);
  });

  test('of http', async (t) => {
    const server = http.createServer();
    server.keepAliveTimeout = 20;
    const running = await attach(server, 'tcp://127.0.0.1:0');
    const socket = connect(portOf(running.addr), '127.0.0.1', () => server.close());
    t.after(() => socket.destroy());
    socket.on('error', () => {}).resume();
    await once(server, 'close');
  });
});

test('a stop forces what does not end by itself', async () => {
  const server = http.createServer(() => {});
  const running = await attach(server, 'tcp://127.0.0.1:0');
  const socket = connect(portOf(running.addr), '127.0.0.1');
  socket.on('error', () => {});
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await once(server, 'request');
  const { forced } = await running.stop({ timeout: 50 });
  assert.equal(forced, 1);
});

test('a PROXY header names the client', async (t) => {
  const server = http.createServer(({ socket }, response) => {
    response.end(`${socket.remoteAddress} ${socket.remotePort}`);
  });
  const running = await attach(server, 'tcp://127.0.0.1:0', { proxyProtocol: 'required' });
  t.after(() => running.close());
  const socket = connect(portOf(running.addr), '127.0.0.1');
  socket.write('PROXY TCP4 192.0.2.7 192.0.2.8 1234 80\r\n');
  socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  let answer = '';
  for await (const part of socket) answer += part;
  assert.match(answer, /192\.0\.2\.7 1234$/);
});
