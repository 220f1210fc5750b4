/** Bodies that are text, short, failing or streams of Node, and the Response of another package. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { describe, test } from 'node:test';
import { Response as UndiciResponse } from 'undici';
import { waitUntil } from '../support/wait-until.ts';
import { ask, exchange, rawClient, startHttp } from './http-rig.ts';

const LAST = 'GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

function fromReadable(readable: Readable): Response {
  return new Response(readable as unknown as ReadableStream);
}

/** A Readable that has nothing to say. */
function silent(): Readable {
  return new Readable({ read() {} });
}

describe('a Response of another package', () => {
  test('is sent as the runtime’s own', async (t) => {
    const rig = await startHttp(t, (request) => {
      const { pathname } = new URL(request.url);
      if (pathname === '/empty') return new UndiciResponse(null, { status: 204 }) as never;
      const headers = new Headers({ 'x-a': 'b' });
      headers.append('set-cookie', 'c=d');
      headers.append('set-cookie', 'e=f');
      return new UndiciResponse('hello', { status: 201, headers: [...headers] }) as never;
    });
    const answer = await exchange(t, rig, LAST);
    assert.match(answer.rest, /set-cookie: c=d\r\nset-cookie: e=f\r\n/);
    const { status, body, headers } = answer.next();
    assert.deepEqual([status, body, headers.get('x-a')], [201, 'hello', 'b']);
    assert.equal((await ask(t, rig, 'GET /empty HTTP/1.1\r\n\r\n')).status, 204);
    assert.deepEqual(rig.errors, []);
  });

  test('is refused where only a part of it looks like one', async (t) => {
    const arrayBuffer = () => {};
    const parts: object[] = [
      { status: 200, headers: new Headers(), body: null },
      { arrayBuffer, status: '200', headers: new Headers(), body: null },
      { arrayBuffer, status: 200, headers: {}, body: null },
      { arrayBuffer, status: 200, headers: new Headers(), body: 'text' },
      { arrayBuffer, status: 99, headers: new Headers(), body: null },
    ];
    const rig = await startHttp(t, (request) => {
      return parts[Number(new URL(request.url).pathname.slice(1))] as Response;
    });
    for (const index of parts.keys()) {
      const { status } = await ask(t, rig, `GET /${index} HTTP/1.1\r\n\r\n`);
      assert.equal(status, 500, String(index));
    }
    assert.equal(rig.errors.length, parts.length);
  });
});

describe('a stream as a body', () => {
  test('may be made of text, buffers and views', async (t) => {
    const pieces = [
      'text ä ',
      Uint8Array.of(98).buffer,
      new DataView(Uint8Array.of(99, 100).buffer),
    ];
    const rig = await startHttp(t, () => new Response(ReadableStream.from(pieces) as never));
    const { body } = await ask(t, rig, 'GET / HTTP/1.1\r\n\r\n');
    assert.equal(Buffer.from(body, 'latin1').toString(), 'text ä bcd');
    const bad = await startHttp(t, () => new Response(ReadableStream.from([1]) as never));
    assert.equal((await ask(t, bad, 'GET / HTTP/1.1\r\n\r\n')).status, 500);
  });

  test('that is complete at once has a length, in one piece or several', async (t) => {
    const rig = await startHttp(t, (request, info) => {
      const { pathname } = new URL(request.url);
      if (pathname === '/trailers') info.setTrailers({ 'x-sum': '1' });
      const count = pathname === '/long' ? 100_000 : 3;
      return new Response(
        new ReadableStream({
          start(controller) {
            for (let left = count; left > 0; left--) controller.enqueue(Buffer.from('x'));
            controller.close();
          },
        }),
      );
    });
    const get = (path: string) => ask(t, rig, `GET ${path} HTTP/1.1\r\nTE: trailers\r\n\r\n`);
    const short = await get('/');
    assert.deepEqual([short.body, short.headers.get('content-length')], ['xxx', '3']);
    for (const path of ['/long', '/trailers']) {
      const { body, headers } = await get(path);
      assert.equal(body, 'x'.repeat(path === '/long' ? 100_000 : 3));
      assert.equal(headers.get('transfer-encoding'), 'chunked', path);
      assert.equal(headers.has('content-length'), false, path);
    }
  });

  test('that fails before anything has left is answered 500, or by onError, once', async (t) => {
    const failing = () => {
      return fromReadable(
        new Readable({
          read() {
            this.destroy(new Error('no such file'));
          },
        }),
      );
    };
    const rig = await startHttp(t, (request) => {
      return new URL(request.url).pathname === '/last' ? new Response('fine') : failing();
    });
    const answers = await exchange(t, rig, `GET / HTTP/1.1\r\nHost: a\r\n\r\n${LAST}`);
    assert.equal(answers.next().status, 500);
    assert.equal(answers.next().body, 'fine');
    assert.equal(answers.rest, '');
    assert.match(String(rig.errors), /no such file/);

    let asked = 0;
    const onError = (error: unknown, request: Request) => {
      asked++;
      if (request.url.endsWith('/again')) return failing();
      return new Response((error as Error).message, { status: 502 });
    };
    const own = await startHttp(t, failing, { onError });
    const { status, body } = await ask(t, own, 'GET / HTTP/1.1\r\n\r\n');
    assert.deepEqual([status, body], [502, 'no such file']);
    assert.equal((await ask(t, own, 'GET /again HTTP/1.1\r\n\r\n')).status, 500);
    assert.equal(asked, 2);
  });

  test('of Node is destroyed when its client goes, while it has nothing to say', async (t) => {
    const readable = silent();
    const rig = await startHttp(t, () => fromReadable(readable));
    const client = await rawClient(t, rig);
    client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await client.readExactly(10);
    client.socket.resetAndDestroy();
    await waitUntil(() => readable.destroyed, 'destroy');
  });

  test('of Node is destroyed when nobody wants it', async (t) => {
    const made: Readable[] = [];
    const rig = await startHttp(t, (request) => {
      const readable = silent();
      made.push(readable);
      const headers = { 'x-a': request.method === 'HEAD' ? 'allowed' : 'not\nallowed' };
      return new Response(readable as unknown as ReadableStream, { headers });
    });
    assert.equal((await ask(t, rig, 'HEAD / HTTP/1.1\r\n\r\n')).status, 200);
    assert.equal((await ask(t, rig, 'GET / HTTP/1.1\r\n\r\n')).status, 500);
    assert.deepEqual(
      made.map((readable) => readable.destroyed),
      [true, true],
    );
  });
});

describe('a Readable that fails when nobody reads it costs its own answer alone', () => {
  /** Fails as it is destroyed, as a file does that was never there. */
  const failing = (closed: () => void): Readable => {
    const readable = new Readable({
      read() {},
      destroy: (_error, done) => done(new Error('there is no such file')),
    });
    return readable.on('close', closed);
  };

  test('as for HEAD, or beside a header that cannot be sent', async (t) => {
    const requests: readonly [string, number, ResponseInit][] = [
      ['HEAD', 200, {}],
      ['GET', 500, { headers: { 'x-a': 'b\r\nc' } }],
    ];
    for (const [method, status, init] of requests) {
      const closed = Promise.withResolvers<void>();
      const rig = await startHttp(t, () => {
        return new Response(failing(closed.resolve) as unknown as ReadableStream, init);
      });
      assert.equal((await ask(t, rig, `${method} / HTTP/1.1\r\n\r\n`)).status, status);
      await closed.promise;
    }
  });

  test('as when its client has gone', async (t) => {
    const closed = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const rig = await startHttp(t, async ({ signal }) => {
      const aborted = once(signal, 'abort');
      begun.resolve();
      await aborted;
      return fromReadable(failing(closed.resolve));
    });
    const client = await rawClient(t, rig);
    await client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await begun.promise;
    client.reset();
    await closed.promise;
    assert.deepEqual(rig.errors, []);
  });
});
