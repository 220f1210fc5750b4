/** socket.io, NestJS and Hono's server for Node over connections of gnet. */
import 'reflect-metadata';
import assert from 'node:assert/strict';
import http from 'node:http';
import { test } from 'node:test';
import { createAdaptorServer } from '@hono/node-server';
import { Body, Controller, Get, Ip, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Hono } from 'hono';
import { Server as SocketServer } from 'socket.io';
import { io } from 'socket.io-client';
import { listenByGnet } from '../support/sides.ts';
import { waitUntil } from '../support/wait-until.ts';

const closing = { headers: { connection: 'close' } };

test('socket.io: polling, then a WebSocket; rooms, acknowledgements, bytes', async (t) => {
  const server = http.createServer();
  const sockets = new SocketServer(server);
  sockets.on('connection', (socket) => {
    void socket.join('room');
    socket.on('say', (given: unknown, answer: (back: unknown) => void) => answer(given));
  });
  const port = await listenByGnet(t, server);
  const socket = io(`http://127.0.0.1:${port}`, { reconnection: false });
  t.after(() => socket.close());
  assert.equal(await socket.emitWithAck('say', 'hello'), 'hello');
  await waitUntil(() => socket.io.engine.transport.name === 'websocket', 'the upgrade');
  const bytes = Buffer.alloc(300_000, 7);
  assert.ok(bytes.equals((await socket.emitWithAck('say', bytes)) as Buffer));
  const told = new Promise((resolve) => socket.once('news', resolve));
  sockets.to('room').emit('news', 1);
  assert.equal(await told, 1);
  await sockets.close();
  await waitUntil(() => socket.disconnected, 'the goodbye');
});

test("Hono's server for Node", async (t) => {
  const app = new Hono();
  app.get('/', (context) => context.text('hello'));
  app.post('/', async (context) => context.body(await context.req.arrayBuffer()));
  const port = await listenByGnet(t, createAdaptorServer({ fetch: app.fetch }) as http.Server);
  const address = `http://127.0.0.1:${port}`;
  assert.equal(await (await fetch(address, closing)).text(), 'hello');
  const body = 'x'.repeat(1_000_000);
  const answer = await fetch(address, { method: 'POST', body, ...closing });
  assert.equal(await answer.text(), body);
});

/** Decorators are functions: here they are called. */
class Greeter {
  greet(ip: string): string {
    return `hello, ${ip}`;
  }
  echo(body: unknown): unknown {
    return body;
  }
}
const methodOf = (name: 'greet' | 'echo'): PropertyDescriptor =>
  Object.getOwnPropertyDescriptor(Greeter.prototype, name) as PropertyDescriptor;
Ip()(Greeter.prototype, 'greet', 0);
Get()(Greeter.prototype, 'greet', methodOf('greet'));
Body()(Greeter.prototype, 'echo', 0);
Post()(Greeter.prototype, 'echo', methodOf('echo'));
Controller()(Greeter);
class App {}
Module({ controllers: [Greeter] })(App);

test('NestJS: answers, and its close', async (t) => {
  const app = await NestFactory.create(App, { logger: false });
  await app.init();
  const port = await listenByGnet(t, app.getHttpServer());
  const address = `http://127.0.0.1:${port}`;
  assert.equal(await (await fetch(address, closing)).text(), 'hello, 127.0.0.1');
  const answer = await fetch(address, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...closing.headers },
    body: '{"a":1}',
  });
  assert.equal(await answer.text(), '{"a":1}');
  await app.close();
  await assert.rejects(fetch(address));
});
