/** What clients of `serveHttp` see, byte for byte. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AnswerReader, ask, exchange, rawClient, startHttp } from './http-rig.ts';

const GET = 'GET / HTTP/1.1\r\nHost: example\r\n';
const LAST = 'GET /last HTTP/1.1\r\nHost: example\r\nConnection: close\r\n\r\n';

describe('a request', () => {
  test('has its method, URL, headers and body', async (t) => {
    const seen: unknown[] = [];
    const rig = await startHttp(t, async (request, info) => {
      seen.push(
        request.method,
        request.url,
        request.headers.get('X-Name'),
        request.headers.get('x-none'),
        [...request.headers].filter(([name]) => name.startsWith('x-')),
        request instanceof Request,
        request.headers instanceof Headers,
        await request.text(),
        request.bodyUsed,
        info.remoteAddr.startsWith('127.0.0.1:'),
        info.localAddr === rig.server.addr,
      );
      return new Response('ok');
    });
    const head = 'PUT /a%20b?c=d HTTP/1.1\r\nX-Name: one\r\nx-NAME:\ttwo \r\n';
    const answer = await ask(t, rig, `${head}Content-Length: 5\r\n\r\nhello`);
    assert.equal(answer.status, 200);
    assert.equal(answer.body, 'ok');
    assert.equal(answer.headers.get('content-type'), 'text/plain;charset=UTF-8');
    assert.equal(answer.headers.get('content-length'), '2');
    const date = answer.headers.get('date') ?? '';
    assert.equal(new Date(date).toUTCString(), date);
    assert.deepEqual(seen, [
      'PUT',
      'http://example/a%20b?c=d',
      'one, two',
      null,
      [['x-name', 'one, two']],
      true,
      true,
      'hello',
      true,
      true,
      true,
    ]);
  });

  test('its URL is what URL makes of it', async (t) => {
    const rig = await startHttp(t, (request) => new Response(request.url));
    const urls: readonly [string, string][] = [
      ['/', 'http://example/'],
      ['/a/../b/./c', 'http://example/b/c'],
      ['/a/%2e%2E/b', 'http://example/b'],
      ['/"<>`{}', 'http://example/%22%3C%3E%60%7B%7D'],
      ["/?a='b", 'http://example/?a=%27b'],
      ['//other/x', 'http://example//other/x'],
      ['/a\\b', 'http://example/a/b'],
      ['http://other:80/x', 'http://other/x'],
      ['http://other?x', 'http://other/?x'],
      // The scheme is the connection's, whatever is claimed.
      ['https://other/x', 'http://other/x'],
      ['HTTPS://other:443/x', 'http://other:443/x'],
    ];
    for (const [target, url] of urls) {
      assert.equal((await ask(t, rig, `GET ${target} HTTP/1.1\r\n\r\n`)).body, url, target);
    }
    const hosts: readonly [string, string][] = [
      ['EXAMPLE:80', 'http://example/'],
      ['example:8080', 'http://example:8080/'],
      ['[::1]:1', 'http://[::1]:1/'],
      ['', `http://${rig.server.addr}/`],
    ];
    for (const [host, url] of hosts) {
      const text = `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
      assert.equal((await exchange(t, rig, text)).next().body, url, host);
    }
    const old = await exchange(t, rig, 'GET / HTTP/1.0\r\n\r\n');
    assert.equal(old.next().body, `http://${rig.server.addr}/`);
    for (const target of ['file://other/x', 'ftp://other/x', 'httpss://other/', 'ws://other/']) {
      assert.equal((await ask(t, rig, `GET ${target} HTTP/1.1\r\n\r\n`)).status, 400, target);
    }
    const none = 'GET / HTTP/1.1\r\nHost: 1.2.3.4.5.6\r\n\r\n';
    assert.equal((await exchange(t, rig, none)).next().status, 400);
  });

  test('is taken for another one: new Request, clone, the body as a stream', async (t) => {
    const rig = await startHttp(t, async (request) => {
      const url = new URL(request.url);
      if (url.pathname === '/new') {
        const other = new Request(request);
        const changed = new Request(other, { headers: { 'x-a': 'changed' } });
        return new Response(`${changed.headers.get('x-a')} ${await changed.text()}`);
      }
      if (url.pathname === '/init') {
        const other = new Request('http://elsewhere/', request);
        return new Response(`${other.method} ${other.headers.get('x-a')} ${await other.text()}`);
      }
      if (url.pathname === '/clone') {
        const copy = request.clone();
        return new Response(`${await copy.text()} ${await request.text()}`);
      }
      const parts: Uint8Array[] = [];
      for await (const part of request.body ?? []) parts.push(part);
      return new Response(Buffer.concat(parts));
    });
    const post = (path: string) =>
      ask(t, rig, `POST ${path} HTTP/1.1\r\nX-A: a\r\nContent-Length: 4\r\n\r\nbody`);
    assert.equal((await post('/new')).body, 'changed body');
    assert.equal((await post('/init')).body, 'POST a body');
    assert.equal((await post('/clone')).body, 'body body');
    assert.equal((await post('/stream')).body, 'body');
    assert.deepEqual(rig.errors, []);
  });

  test('gives its body as text, JSON, bytes, form data and blob, once', async (t) => {
    const rig = await startHttp(t, async (request) => {
      switch (new URL(request.url).pathname) {
        case '/json':
          return Response.json(await request.json().catch((error: Error) => error.name));
        case '/bytes':
          return new Response(await request.bytes());
        case '/buffer':
          return new Response(await request.arrayBuffer());
        case '/blob':
          return new Response(await request.blob());
        case '/form':
          return new Response(String((await request.formData()).get('a')));
        case '/twice':
          await request.text();
          return new Response(await request.text().catch((error: Error) => error.name));
        default:
          return new Response(await request.text());
      }
    });
    const post = async (path: string, body: string, type = 'text/plain') => {
      const lines = `Content-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`;
      const bytes = Buffer.from(body).toString('latin1');
      return (await ask(t, rig, `POST ${path} HTTP/1.1\r\n${lines}${bytes}`)).body;
    };
    assert.equal(await post('/json', '{"a":1}'), '{"a":1}');
    assert.equal(await post('/json', '\ufeff[2]'), '[2]');
    assert.equal(await post('/json', '{"a":'), '"SyntaxError"');
    assert.equal(await post('/bytes', 'bytes'), 'bytes');
    assert.equal(await post('/buffer', 'buffer'), 'buffer');
    assert.equal(await post('/blob', 'blob'), 'blob');
    assert.equal(await post('/form', 'a=b', 'application/x-www-form-urlencoded'), 'b');
    assert.equal(await post('/twice', 'x'), 'TypeError');
    assert.equal(await post('/text', '\ufeffmark'), 'mark');
    assert.equal(await post('/text', ''), '');
  });
});

test('a body that was read is used for whatever is made of its request', async (t) => {
  const reads: Readonly<Record<string, (request: Request) => Promise<unknown>>> = {
    text: (request) => request.text(),
    bytes: (request) => request.bytes(),
    json: (request) => request.json(),
    arrayBuffer: (request) => request.arrayBuffer(),
    blob: (request) => request.blob(),
    formData: (request) => request.formData(),
    clone: async (request) => request.clone().text(),
    'new Request': async (request) => new Request(request).text(),
  };
  for (const overrideGlobalObjects of [true, false]) {
    const rig = await startHttp(
      t,
      async (request) => {
        assert.equal(await request.text(), '1');
        const outcomes: string[] = [];
        for (const [name, read] of Object.entries(reads)) {
          const outcome = await read(request).then(String, (error: Error) => error.name);
          outcomes.push(`${name} ${outcome} ${request.bodyUsed}`);
        }
        return Response.json(outcomes);
      },
      { overrideGlobalObjects },
    );
    for (const lines of [
      'Content-Length: 1\r\n\r\n1',
      'Transfer-Encoding: chunked\r\n\r\n1\r\n1\r\n0\r\n\r\n',
    ]) {
      const { body } = await ask(t, rig, `POST / HTTP/1.1\r\n${lines}`);
      assert.deepEqual(
        JSON.parse(body),
        Object.keys(reads).map((name) => `${name} TypeError true`),
      );
    }
  }
});

describe('an answer', () => {
  test('has its status, headers and body, whatever it is made of', async (t) => {
    const stream = () => new Blob(['stream']).stream();
    const answers: Record<string, () => Response> = {
      '/text': () => new Response('täxt'),
      '/bytes': () => new Response(Buffer.from('bytes')),
      '/buffer': () => new Response(new Uint8Array([65, 66]).buffer),
      '/stream': () => new Response(stream()),
      '/length': () => new Response(stream(), { headers: { 'content-length': '6' } }),
      '/blob': () => new Response(new Blob(['blob'], { type: 'a/b' })),
      '/params': () => new Response(new URLSearchParams({ a: 'b' })),
      '/none': () => new Response(),
      '/status': () => new Response(null, { status: 204, statusText: 'Nothing' }),
      '/redirect': () => Response.redirect('http://example/x', 303),
      '/json': () => Response.json({ a: 1 }, { status: 201 }),
      '/touched': () => {
        const response = new Response('touched', { headers: [['x-a', '1']] });
        response.headers.append('set-cookie', 'a=b');
        response.headers.append('set-cookie', 'c=d');
        return response;
      },
      '/again': () => new Response(new Response('again').body, new Response('x', { status: 202 })),
      '/clone': () => new Response('clone').clone(),
    };
    const rig = await startHttp(t, (request) => {
      const make = answers[new URL(request.url).pathname] as () => Response;
      return make();
    });
    const get = (path: string) => ask(t, rig, `GET ${path} HTTP/1.1\r\n\r\n`);
    assert.equal((await get('/text')).body, Buffer.from('täxt').toString('latin1'));
    assert.equal((await get('/bytes')).body, 'bytes');
    assert.equal((await get('/bytes')).headers.has('content-type'), false);
    assert.equal((await get('/buffer')).body, 'AB');
    const streamed = await get('/stream');
    assert.equal(streamed.headers.get('transfer-encoding'), 'chunked');
    assert.equal(streamed.body, 'stream');
    const known = await get('/length');
    assert.equal(known.headers.get('content-length'), '6');
    assert.equal(known.headers.has('transfer-encoding'), false);
    assert.equal(known.body, 'stream');
    const blob = await get('/blob');
    assert.equal(`${blob.headers.get('content-type')} ${blob.body}`, 'a/b blob');
    assert.equal((await get('/params')).body, 'a=b');
    assert.equal((await get('/none')).headers.get('content-length'), '0');
    const nothing = await get('/status');
    assert.equal(nothing.status, 204);
    assert.equal(nothing.headers.has('content-length'), false);
    assert.equal((await get('/redirect')).headers.get('location'), 'http://example/x');
    const json = await get('/json');
    assert.equal(`${json.status} ${json.headers.get('content-type')}`, '201 application/json');
    const touched = await exchange(t, rig, `${LAST.replace('/last', '/touched')}`);
    assert.match(touched.rest, /^x-a: 1\r$/m);
    assert.match(touched.rest, /set-cookie: a=b\r\nset-cookie: c=d\r\n/);
    const again = await get('/again');
    assert.equal(`${again.status} ${again.body}`, '202 again');
    assert.equal((await get('/clone')).body, 'clone');
    assert.deepEqual(rig.errors, []);
  });

  test('to HEAD has the headers and no body', async (t) => {
    const rig = await startHttp(t, (request) => {
      const { pathname } = new URL(request.url);
      if (pathname === '/known') return new Response(null, { headers: { 'content-length': '9' } });
      return new Response(pathname === '/stream' ? new Blob(['x']).stream() : 'text');
    });
    for (const [path, length] of [
      ['/text', '4'],
      ['/known', '9'],
      ['/stream', undefined],
    ] as const) {
      const text = `HEAD ${path} HTTP/1.1\r\nHost: example\r\n\r\n${LAST}`;
      const answers = await exchange(t, rig, text);
      assert.equal(answers.next(false).headers.get('content-length'), length, path);
      assert.equal(answers.next().body, 'text');
      assert.equal(answers.rest, '');
    }
  });

  test('says what becomes of the connection', async (t) => {
    const rig = await startHttp(t, (request) => {
      const closes = request.url.endsWith('/close');
      return new Response('x', closes ? { headers: { connection: 'close' } } : {});
    });
    const headOf = async (text: string) => (await exchange(t, rig, text)).next().headers;
    assert.equal((await headOf(LAST)).get('connection'), 'close');
    assert.equal((await headOf('GET / HTTP/1.0\r\n\r\n')).get('connection'), 'close');
    assert.equal((await headOf(`${GET.replace('/ ', '/close ')}\r\n`)).get('connection'), 'close');
    const old = 'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n';
    const answers = await exchange(t, rig, old + LAST);
    assert.equal(answers.next().headers.get('connection'), 'keep-alive');
    assert.equal(answers.next().headers.get('connection'), 'close');
  });

  test('of HTTP/1.0 without a length ends with the connection', async (t) => {
    const rig = await startHttp(t, () => new Response(new Blob(['stream']).stream()));
    const answer = (await exchange(t, rig, 'GET / HTTP/1.0\r\n\r\n')).next();
    assert.equal(answer.headers.has('transfer-encoding'), false);
    assert.equal(answer.body, 'stream');
  });

  test('cannot write another answer into the stream', async (t) => {
    const bad: Record<string, () => Response> = {
      '/value': () => new Response('x', { headers: { 'x-a': 'a\r\nx-b: c' } }),
      '/name': () => new Response('x', { headers: { 'x a': 'a' } }),
      '/text': () => new Response('x', { statusText: 'a\r\nx-b: c' }),
      '/blob': () => new Response(new Blob(['x']), { headers: { 'x-a': 'a\r\nx-b: c' } }),
      '/error': () => Response.error(),
    };
    const rig = await startHttp(t, (request) => {
      const make = bad[new URL(request.url).pathname] as () => Response;
      return make();
    });
    for (const path of Object.keys(bad)) {
      const answer = await ask(t, rig, `GET ${path} HTTP/1.1\r\n\r\n`);
      assert.equal(answer.status, 500, path);
      assert.equal(answer.headers.has('x-b'), false);
    }
    assert.equal(rig.errors.length, 5);
  });
});

describe('a handler that fails', () => {
  test('is answered 500 and reported, and the connection goes on', async (t) => {
    const failures: Record<string, () => unknown> = {
      '/throws': () => {
        throw new Error('thrown');
      },
      '/rejects': () => Promise.reject(new Error('rejected')),
      '/nothing': () => undefined,
      '/later': async () => ({ status: 200 }),
    };
    const rig = await startHttp(t, (request) => {
      const fail = failures[new URL(request.url).pathname];
      return (fail === undefined ? new Response('fine') : fail()) as Response;
    });
    for (const path of Object.keys(failures)) {
      const text = `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n${LAST}`;
      const answers = await exchange(t, rig, text);
      assert.equal(answers.next().status, 500, path);
      assert.equal(answers.next().body, 'fine');
    }
    assert.deepEqual(
      rig.errors.map((error) => (error as Error).message.slice(0, 8)),
      ['thrown', 'rejected', 'Cannot a', 'Cannot a'],
    );
  });

  test('is answered by onError, also when that fails', async (t) => {
    const onError = (error: unknown, request: Request) => {
      if (request.url.endsWith('/again')) throw new Error('again');
      const text = `${(error as Error).message} ${new URL(request.url).pathname}`;
      return request.url.endsWith('/async')
        ? Promise.resolve(new Response(text, { status: 503 }))
        : new Response(text, { status: 502 });
    };
    const fetch = () => {
      throw new Error('thrown');
    };
    const rig = await startHttp(t, fetch, { onError });
    const get = async (path: string) => {
      const { status, body } = await ask(t, rig, `GET ${path} HTTP/1.1\r\n\r\n`);
      return `${status} ${body}`;
    };
    assert.equal(await get('/a'), '502 thrown /a');
    assert.equal(await get('/async'), '503 thrown /async');
    assert.match(await get('/again'), /^500 /);
    assert.equal(rig.errors.length, 1);
  });
});

describe('pipelined requests', () => {
  test('are answered in order, however long each takes', async (t) => {
    let running = 0;
    let most = 0;
    const rig = await startHttp(t, async (request) => {
      most = Math.max(most, ++running);
      const { pathname } = new URL(request.url);
      if (pathname !== '/last') await new Promise((resolve) => setTimeout(resolve, 5));
      const body = await request.text();
      running--;
      return new Response(`${pathname} ${body}`);
    });
    const post = (index: number) =>
      `POST /${index} HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n${index + 10}`;
    const text = Array.from({ length: 20 }, (_, index) => post(index)).join('') + LAST;
    const answers = await exchange(t, rig, text);
    for (let index = 0; index < 20; index++) {
      assert.equal(answers.next().body, `/${index} ${index + 10}`);
    }
    assert.equal(answers.next().body, '/last ');
    assert.equal(most, 1);
  });

  test('of which one cannot be parsed are answered up to that one', async (t) => {
    const rig = await startHttp(t, () => new Response('fine'));
    const answers = await exchange(t, rig, `${GET}\r\n${GET}\r\nnonsense\r\n\r\n${GET}\r\n`);
    assert.equal(answers.next().status, 200);
    assert.equal(answers.next().status, 200);
    const bad = answers.next();
    assert.equal(`${bad.status} ${bad.headers.get('connection')}`, '400 close');
    assert.equal(answers.rest, '');
  });

  test('cut anywhere get the same answers', async (t) => {
    const rig = await startHttp(t, async (request) => new Response(`<${await request.text()}>`));
    const chunked = 'Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\nT: u\r\n\r\n';
    const text = `POST /1 HTTP/1.1\r\nHost: a\r\n${chunked}POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\ndef${LAST}`;
    for (let place = 1; place < text.length; place += 7) {
      const client = await rawClient(t, rig);
      await client.send(text.slice(0, place));
      await new Promise((resolve) => setImmediate(resolve));
      client.write(text.slice(place));
      const answers = new AnswerReader(await client.readUntilEnd());
      assert.equal(answers.next().body, '<abc>');
      assert.equal(answers.next().body, '<def>');
      assert.equal(answers.next().body, '<>');
      assert.equal(answers.rest, '');
    }
  });
});

test('without the light globals a handler gets the runtime’s own request', async (t) => {
  const rig = await startHttp(
    t,
    async (request) => new Response(`${Object.hasOwn(request, 'origin')} ${await request.text()}`),
    { overrideGlobalObjects: false },
  );
  const text = 'POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi';
  assert.equal((await ask(t, rig, text)).body, 'false hi');
  assert.deepEqual(rig.errors, []);
});
