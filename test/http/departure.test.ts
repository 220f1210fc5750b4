/** A client that goes while its request is being answered, whatever it has sent behind that. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ConnectionInfo } from 'gnet';
import type { RawClient } from 'gnet/testing';
import { AnswerReader, type Fetch, rawClient, startHttp } from './http-rig.ts';

const request = (path = '/'): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;

describe('the signal of a request says that its client has gone', () => {
  const behind: Readonly<Record<string, string>> = {
    nothing: '',
    'a line end': '\r\n',
    'a byte of the next request': 'G',
    'whole requests': request().repeat(3),
    'many of them': request().repeat(1_000),
  };
  const goings: Readonly<Record<string, (client: RawClient) => void>> = {
    'ends its side': (client) => client.end(),
    'is gone': (client) => client.destroy(),
    resets: (client) => client.reset(),
  };
  for (const [how, go] of Object.entries(goings)) {
    test(`which ${how}`, async (t) => {
      for (const [what, text] of Object.entries(behind)) {
        const begun = Promise.withResolvers<void>();
        const aborted = Promise.withResolvers<void>();
        const rig = await startHttp(t, async ({ signal }) => {
          signal.addEventListener('abort', () => aborted.resolve());
          if (signal.aborted) aborted.resolve();
          begun.resolve();
          await aborted.promise;
          return new Response(what);
        });
        const client = await rawClient(t, rig);
        await client.send(request() + text);
        await begun.promise;
        go(client);
        await aborted.promise;
        await rig.server.close();
      }
    });
  }
});

test('requests that came before the end of a client are answered, and then it is left', async (t) => {
  // More than are answered in one turn of the loop.
  const count = 500;
  const path = (asked: Request): string => new URL(asked.url).pathname;
  const handlers: Fetch[] = [
    (asked) => new Response(path(asked)),
    async (asked) => new Response(path(asked)),
    async (asked) => {
      await new Promise(setImmediate);
      return new Response(path(asked));
    },
  ];
  for (const handler of handlers) {
    for (const beginning of ['', 'GET /last']) {
      const rig = await startHttp(t, handler);
      const client = await rawClient(t, rig);
      const texts = Array.from({ length: count }, (_, index) => request(`/${index}`));
      client.write(`${texts.join('')}${beginning}`);
      client.end();
      const reader = new AnswerReader(await client.readUntilEnd());
      for (let index = 0; index < count; index++) assert.equal(reader.next().body, `/${index}`);
      assert.equal(reader.rest, '');
    }
  }
});

test('what waits behind a request is bounded, and nothing of it is lost', async (t) => {
  const released = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const rig = await startHttp(t, async (asked) => {
    begun.resolve();
    await released.promise;
    return new Response(new URL(asked.url).pathname);
  });
  const client = await rawClient(t, rig);
  const count = 10_000;
  const texts = Array.from({ length: count }, (_, index) => request(`/${index}`));
  client.write(texts.join(''));
  client.end();
  await begun.promise;
  const held = async (): Promise<ConnectionInfo> => {
    const [connection] = await rig.server.listConnections();
    assert.ok(connection !== undefined);
    return connection;
  };
  while ((await held()).state !== 'paused') await new Promise(setImmediate);
  const { inboundBuffered } = await held();
  assert.ok(inboundBuffered > 64 * 1024 && inboundBuffered <= 128 * 1024, `${inboundBuffered}`);
  released.resolve();
  const reader = new AnswerReader(await client.readUntilEnd());
  for (let index = 0; index < count; index++) assert.equal(reader.next().body, `/${index}`);
  assert.equal(reader.rest, '');
});

test('a client that sends ahead is served where a connection may hold little', async (t) => {
  const rig = await startHttp(t, async (asked) => new Response(new URL(asked.url).pathname), {
    maxInboundBytes: 65_536,
  });
  const client = await rawClient(t, rig);
  const count = 5_000;
  const texts = Array.from({ length: count }, (_, index) => request(`/${index}`));
  client.write(texts.join(''));
  client.end();
  const reader = new AnswerReader(await client.readUntilEnd());
  for (let index = 0; index < count; index++) assert.equal(reader.next().body, `/${index}`);
});
