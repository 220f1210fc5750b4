/** Packages for node:net, unchanged, over connections of gnet. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import * as grpc from '@grpc/grpc-js';
import { Aedes } from 'aedes';
import express from 'express';
import fastify from 'fastify';
import { client } from 'gnet';
import { attach, createConnection } from 'gnet/stream';
import Koa from 'koa';
import mqtt, { MqttClient } from 'mqtt';
import ssh2 from 'ssh2';
import { Agent, request as undiciRequest } from 'undici';
import WebSocket, { WebSocketServer } from 'ws';
import type { TestScope } from '../support/rig.ts';
import { listenByGnet, portOf } from '../support/sides.ts';

async function dialler(t: TestScope) {
  const made = await client({});
  t.after(() => made.close());
  return createConnection(made);
}

async function body(port: number, path = '/', init: RequestInit = {}): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    ...init,
    headers: { connection: 'close', ...(init.headers as Record<string, string>) },
  });
  return response.text();
}

describe('frameworks over node:http', () => {
  test('fastify: answers, the address of the client, and its close', async (t) => {
    const app = fastify();
    app.get('/', async (request) => ({ ip: request.ip }));
    app.post('/', async (request) => request.body);
    await app.ready();
    const port = await listenByGnet(t, app.server);
    assert.equal(await body(port), '{"ip":"127.0.0.1"}');
    const json = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"a":1}',
    };
    assert.equal(await body(port, '/', json), '{"a":1}');
    assert.equal((app.server.address() as AddressInfo).port, port);
    await app.close();
    await assert.rejects(body(port));
  });

  test('express', async (t) => {
    const app = express();
    app.use(express.json());
    app.get('/', (request, response) => void response.send(request.ip));
    app.post('/', (request, response) => void response.json(request.body));
    const port = await listenByGnet(t, http.createServer(app));
    assert.equal(await body(port), '127.0.0.1');
    const json = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"a":1}',
    };
    assert.equal(await body(port, '/', json), '{"a":1}');
  });

  test('koa', async (t) => {
    const app = new Koa();
    app.use((context) => {
      context.body = { ip: context.ip, secure: context.secure };
    });
    const port = await listenByGnet(t, http.createServer(app.callback()));
    assert.equal(await body(port), '{"ip":"127.0.0.1","secure":false}');
  });

  test('ws: large compressed messages, ping, close', async (t) => {
    const server = http.createServer();
    const sockets = new WebSocketServer({ server, perMessageDeflate: true });
    sockets.on('connection', (socket) => {
      socket.on('message', (data, binary) => socket.send(data as Buffer, { binary }));
    });
    const port = await listenByGnet(t, server);
    const socket = new WebSocket(`ws://127.0.0.1:${port}`);
    await once(socket, 'open');
    const large = Buffer.alloc(5 << 20, 3);
    socket.send(large);
    const [echoed] = (await once(socket, 'message')) as [Buffer];
    assert.ok(echoed.equals(large));
    socket.ping();
    await once(socket, 'pong');
    socket.close(1001, 'bye');
    const [code] = await once(socket, 'close');
    assert.equal(code, 1001);
  });
});

describe('other protocols', () => {
  test('aedes, and mqtt.js on both ways out', async (t) => {
    const broker = await Aedes.createBroker();
    t.after(() => new Promise<void>((resolve) => broker.close(resolve)));
    const emitter = { emit: (event: string, socket: never) => takes(event, socket) };
    const takes = (event: string, socket: never): boolean => {
      if (event === 'connection') broker.handle(socket);
      return true;
    };
    const port = await listenByGnet(t, emitter);
    const connect = await dialler(t);
    const subscriber = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`);
    await subscriber.subscribeAsync('a/#', { qos: 1 });
    const message = new Promise<string>((resolve) => {
      subscriber.once('message', (topic, payload) => resolve(`${topic} ${payload}`));
    });
    const publisher = new MqttClient(() => connect({ host: '127.0.0.1', port }), {
      keepalive: 0,
      reconnectPeriod: 0,
    });
    await new Promise<void>((resolve) => publisher.once('connect', () => resolve()));
    await publisher.publishAsync('a/b', 'hello', { qos: 1 });
    assert.equal(await message, 'a/b hello');
    await publisher.endAsync();
    await subscriber.endAsync();
  });

  test('ssh2: both ends', async (t) => {
    const key = ssh2.utils.generateKeyPairSync('ed25519');
    const server = new ssh2.Server({ hostKeys: [key.private] }, (connection) => {
      connection.on('authentication', (context) => context.accept());
      connection.on('error', () => {});
      connection.on('session', (accept) => {
        accept().on('exec', (acceptExec, _reject, { command }) => {
          const stream = acceptExec();
          stream.write(`ran ${command}`);
          stream.exit(0);
          stream.end();
        });
      });
    });
    const port = await listenByGnet(t, {
      emit(event: string, socket: never) {
        if (event === 'connection') server.injectSocket(socket);
        return true;
      },
    });
    const connect = await dialler(t);
    const shell = new ssh2.Client();
    shell.on('error', () => {});
    shell.connect({ sock: connect({ host: '127.0.0.1', port }), username: 'u', password: 'p' });
    await once(shell, 'ready');
    const output = await new Promise<string>((resolve, reject) => {
      shell.exec('ls', (error, stream) => {
        if (error) return reject(error);
        let text = '';
        stream.on('data', (part: Buffer) => {
          text += part;
        });
        stream.on('close', () => resolve(text));
      });
    });
    const closed = once(shell, 'close');
    shell.end();
    await closed;
    assert.equal(output, 'ran ls');
  });

  test('grpc-js: a server', async (t) => {
    const serialize = (text: string): Buffer => Buffer.from(text);
    const deserialize = (bytes: Buffer): string => String(bytes);
    const service: grpc.ServiceDefinition = {
      Say: {
        path: '/test.Talk/Say',
        requestStream: false,
        responseStream: false,
        requestSerialize: serialize,
        requestDeserialize: deserialize,
        responseSerialize: serialize,
        responseDeserialize: deserialize,
      },
    };
    const server = new grpc.Server();
    t.after(() => server.forceShutdown());
    server.addService(service, {
      Say(call: grpc.ServerUnaryCall<string, string>, answer: grpc.sendUnaryData<string>) {
        answer(null, `${call.request} from ${call.getPeer()}`);
      },
    });
    const injector = server.createConnectionInjector(grpc.ServerCredentials.createInsecure());
    const port = await listenByGnet(t, {
      emit(event: string, socket: never) {
        if (event === 'connection') injector.injectConnection(socket);
        return true;
      },
    });
    const Talk = grpc.makeGenericClientConstructor(service, 'Talk');
    const talk = new Talk(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
    t.after(() => talk.close());
    const answer = await new Promise<string>((resolve, reject) => {
      (talk['Say'] as (text: string, done: grpc.requestCallback<string>) => void).call(
        talk,
        'hi',
        (error, text) => (error ? reject(error) : resolve(String(text))),
      );
    });
    // Node's http2 session asks a wrapper, which knows no address; other runtimes have no wrapper.
    assert.match(answer, /^hi from (?:unknown|127\.0\.0\.1:\d+)$/);
    injector.destroy();
  });
});

describe('outgoing', () => {
  async function hello(t: TestScope): Promise<number> {
    const server = http.createServer((request, response) => {
      response.end(`${request.method} ${request.url}`);
    });
    const running = await attach(server, 'tcp://127.0.0.1:0');
    t.after(() => running.close());
    return portOf(running.addr);
  }

  test('an http.Agent, whose connections are kept alive', async (t) => {
    const port = await hello(t);
    const connect = await dialler(t);
    let dialled = 0;
    const agent = new http.Agent({ keepAlive: true });
    t.after(() => agent.destroy());
    agent.createConnection = (options) => {
      dialled++;
      return connect(options as { host?: string; port?: number });
    };
    const ask = (): Promise<string> =>
      new Promise((resolve, reject) => {
        const request = http.get({ host: '127.0.0.1', port, path: '/a', agent }, (response) => {
          let text = '';
          response.on('data', (part: Buffer) => {
            text += part;
          });
          response.on('end', () => resolve(text));
        });
        request.on('error', reject);
      });
    assert.equal(await ask(), 'GET /a');
    assert.equal(await ask(), 'GET /a');
    assert.equal(dialled, 1);
  });

  test('a connector of undici', async (t) => {
    const port = await hello(t);
    const connect = await dialler(t);
    const agent = new Agent({
      connect: (options, callback) => void connect(options, callback as never),
    });
    t.after(() => agent.destroy());
    const origin = `http://127.0.0.1:${port}`;
    const answers = await Promise.all(
      ['/1', '/2', '/3'].map(async (path) => {
        const { body: text } = await undiciRequest(`${origin}${path}`, { dispatcher: agent });
        return text.text();
      }),
    );
    assert.deepEqual(answers, ['GET /1', 'GET /2', 'GET /3']);
  });
});
