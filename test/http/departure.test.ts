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

const post = (path: string, framing: string): string =>
  `POST ${path} HTTP/1.1\r\nHost: a\r\n${framing}`;
const byLength = (path: string, body: string): string =>
  post(path, `Content-Length: ${body.length}\r\n\r\n${body}`);
const inChunks = (path: string, body: string): string =>
  post(
    path,
    `Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
  );
type Kind = (path: string) => string;

/** Pipelines with each of these kinds in each place. */
function pipelinesOf(kinds: readonly Kind[], places: number): string[] {
  let texts = [''];
  for (let place = 0; place < places; place++) {
    texts = texts.flatMap((text) => kinds.map((kind) => `${text}${kind(`/${place}`)}`));
  }
  return texts;
}

/** The client is known to have ended while the first is answered. */
async function seenToEnd({ url, signal }: Request): Promise<void> {
  if (!url.endsWith('/0') || signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener('abort', resolve));
}

describe('what came whole before the end of a client is answered, wherever a body stands', () => {
  const path = (asked: Request): string => new URL(asked.url).pathname;
  const tick = (): Promise<unknown> => new Promise(setImmediate);
  const handlers: Readonly<Record<string, Fetch>> = {
    'a handler that answers at once': (asked) =>
      asked.url.endsWith('/0')
        ? seenToEnd(asked).then(() => new Response('/0'))
        : new Response(path(asked)),
    'a handler that reads the body': async (asked) => {
      await seenToEnd(asked);
      await asked.text();
      return new Response(path(asked));
    },
    'a handler that takes its time': async (asked) => {
      await seenToEnd(asked);
      await tick();
      return new Response(path(asked));
    },
  };
  const answersAll = async (text: string, client: RawClient, places: number): Promise<void> => {
    client.write(text);
    client.end();
    const reader = new AnswerReader(await client.readUntilEnd());
    for (let place = 0; place < places; place++) assert.equal(reader.next().body, `/${place}`);
    assert.equal(reader.rest, '');
  };
  const kinds: readonly Kind[] = [
    (at) => request(at),
    (at) => byLength(at, 'abc'),
    (at) => inChunks(at, 'abc'),
  ];
  for (const [who, handler] of Object.entries(handlers)) {
    test(who, async (t) => {
      const rig = await startHttp(t, handler);
      for (const text of pipelinesOf(kinds, 4)) await answersAll(text, await rawClient(t, rig), 4);
      assert.deepEqual(rig.errors, []);
    });
  }

  test('bodies that wait for the handler', async (t) => {
    const rig = await startHttp(t, async (asked) => {
      await tick();
      return new Response(`${path(asked)}${(await asked.text()).length > 9 ? '' : '?'}`);
    });
    const long = 'a'.repeat(200_000);
    const longKinds: readonly Kind[] = [(at) => byLength(at, long), (at) => inChunks(at, long)];
    for (const text of pipelinesOf(longKinds, 3)) {
      await answersAll(text, await rawClient(t, rig), 3);
    }
  });
});

describe('a body that breaks off at the end of a client, behind a request at work, fails', () => {
  const beginnings: Readonly<Record<string, string>> = {
    'with a length': 'Content-Length: 10\r\n\r\nabc',
    'with a length, and nothing of it': 'Content-Length: 10\r\n\r\n',
    'in half a chunk': 'Transfer-Encoding: chunked\r\n\r\n5\r\nab',
    'behind a chunk': 'Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n',
    'in its trailers': 'Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nX-Y: z',
    'before its first chunk': 'Transfer-Encoding: chunked\r\n\r\n',
  };
  for (const [where, framing] of Object.entries(beginnings)) {
    test(where, async (t) => {
      const rig = await startHttp(t, async (asked) => {
        await seenToEnd(asked);
        const text = await asked.text().catch((error: Error) => error.name);
        return new Response(text);
      });
      const client = await rawClient(t, rig);
      client.write(request('/0') + post('/1', framing));
      client.end();
      const reader = new AnswerReader(await client.readUntilEnd());
      assert.equal(reader.next().body, '');
      const last = reader.next();
      assert.equal(`${last.body} ${last.headers.get('connection')}`, 'AbortError close');
      assert.equal(reader.rest, '');
    });

    test(`${where}, and nobody reads it`, async (t) => {
      const rig = await startHttp(t, (asked) =>
        asked.url.endsWith('/0') ? seenToEnd(asked).then(() => new Response()) : new Response('1'),
      );
      const client = await rawClient(t, rig);
      client.write(request('/0') + post('/1', framing));
      client.end();
      const reader = new AnswerReader(await client.readUntilEnd());
      assert.equal(reader.next().body, '');
      assert.equal(reader.next().body, '1');
      assert.equal(reader.rest, '');
    });
  }
});
