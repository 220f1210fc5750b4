/** What `AsyncLocalStorage` holds in the events of sockets and requests: the same as over node:net. */
import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import {
  type ClientRequest,
  createServer,
  type IncomingMessage,
  request,
  type Server,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { attach } from 'gnet/stream';
import type { TestScope } from '../support/rig.ts';

const storage = new AsyncLocalStorage<string>();

/** Sends each piece of a body back, and notes which store each step of a request sees. */
function echoServer(seen: string[]): Server {
  const note = (what: string): number => seen.push(`${what} ${storage.getStore()}`);
  return createServer((incoming, response) => {
    const url = String(incoming.url);
    note(`request ${url}`);
    void storage.run(`of ${url}`, async () => {
      for await (const piece of incoming) {
        note(`piece ${url}`);
        await new Promise<void>((resolve) => response.write(piece, () => resolve()));
        note(`written ${url}`);
      }
      response.end();
      await once(response, 'close');
      note(`close ${url}`);
    });
    incoming.once('end', () => note(`end ${url}`));
    storage.enterWith(`left by ${url}`);
  });
}

interface Talk {
  readonly sent: ClientRequest;
  readonly answer: AsyncIterator<Buffer>;
}

async function begin(port: number, path: string): Promise<Talk> {
  const sent = request({ port, path, method: 'POST', agent: false });
  sent.write('0');
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  return { sent, answer: answer[Symbol.asyncIterator]() };
}

/** Two clients, whose pieces take turns. */
async function talkTo(port: number): Promise<void> {
  const talks = [await begin(port, '/a'), await begin(port, '/b')];
  for (let round = 0; round < 3; round++) {
    for (const { sent, answer } of talks) {
      assert.equal(String((await answer.next()).value), String(round));
      if (round < 2) sent.write(String(round + 1));
      else sent.end();
    }
  }
  for (const { answer } of talks) assert.equal((await answer.next()).done, true);
}

async function overNode(t: TestScope): Promise<string[]> {
  const seen: string[] = [];
  const server = echoServer(seen);
  t.after(() => server.close());
  storage.run('server', () => server.listen(0, '127.0.0.1'));
  await once(server, 'listening');
  await talkTo((server.address() as AddressInfo).port);
  await new Promise((resolve) => server.close(resolve));
  return seen;
}

async function overGnet(t: TestScope): Promise<string[]> {
  const seen: string[] = [];
  const http = echoServer(seen);
  const driver = process.env['GNET_TEST_DRIVER'] as 'epoll' | undefined;
  const options = driver === undefined ? {} : { driver };
  const server = await storage.run('server', () => attach(http, 'tcp://127.0.0.1:0', options));
  t.after(() => server.close());
  await talkTo(Number(server.addr.split(':')[1]));
  await server.stop();
  return seen;
}

describe('AsyncLocalStorage over a stream', () => {
  test('each request keeps its own store, and none sees another’s', async (t) => {
    const ours = await overGnet(t);
    for (const entry of ours) {
      assert.ok(!(entry.includes('/a') && entry.includes('/b')), entry);
      if (/^(?:piece|written|close)/.test(entry)) assert.match(entry, / of \/[ab]$/);
    }
    assert.deepEqual([...ours].sort(), (await overNode(t)).sort());
  });
});
