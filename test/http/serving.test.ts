/** Where it is served: several loops, TLS, Unix sockets, behind a proxy; and to clients from elsewhere. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { ErrInvalidOption } from 'gnet';
import { type FetchHandler, serveHttp } from 'gnet/http';
import { Agent, request as undiciRequest } from 'undici';
import { missing, runClient } from '../support/outside-client.ts';
import { freeAddress, temporaryDirectory } from '../support/rig.ts';
import { ca, identity } from '../tls/tls-rig.ts';
import { ask, exchange, startHttp } from './http-rig.ts';

/** One request by the runtime's own client. */
async function get(options: https.RequestOptions, body = ''): Promise<string> {
  const isSecure = options.ca !== undefined;
  const request = (isSecure ? https : http).request({ agent: false, ...options });
  request.end(body);
  const [answer] = (await once(request, 'response')) as [http.IncomingMessage];
  let text = '';
  for await (const piece of answer.setEncoding('utf8')) text += piece;
  return `${answer.statusCode} ${text}`;
}

describe('serveHttp', () => {
  test('has each of several loops import a module', async (t) => {
    const module = new URL('./programs/app.ts', import.meta.url);
    const server = await serveHttp(module, 'tcp://127.0.0.1:0', { numEventLoop: 2 });
    t.after(() => server.close());
    const port = Number(server.addr.split(':').at(-1));
    const threads = new Set<string>();
    for (let count = 0; count < 6; count++) {
      const answer = await get({ port, method: 'POST', path: '/' }, 'body');
      const [status, thread, body] = answer.split(' ');
      assert.equal(`${status} ${body}`, '200 body');
      threads.add(thread as string);
    }
    assert.equal(threads.size, 2);
    assert.ok(!threads.has('0'));
    assert.equal(await get({ port, path: '/throws' }), '502 handled: thrown');
  });

  test('has one loop import a module, on this thread', async (t) => {
    const module = new URL('./programs/app.ts', import.meta.url);
    const server = await serveHttp(module, 'tcp://127.0.0.1:0');
    t.after(() => server.close());
    const port = Number(server.addr.split(':').at(-1));
    assert.equal(await get({ port, method: 'POST', path: '/' }, 'hi'), '200 0 hi');
  });

  test('speaks TLS by the same options', async (t) => {
    const rig = await startHttp(
      t,
      (request, info) => new Response(`${request.url} ${info.tls?.protocol ?? 'plain'}`),
      { tls: { key: identity.key, cert: identity.cert } },
      'tls://127.0.0.1:0',
    );
    const port = Number(rig.server.addr.split(':').at(-1));
    const answer = await get({ port, ca, servername: 'localhost', headers: { host: 'localhost' } });
    assert.match(answer, /^200 https:\/\/localhost\/ TLSv1\.3$/);
  });

  test('listens on a Unix socket', async (t) => {
    const address = freeAddress(t, 'unix');
    const rig = await startHttp(t, (request) => new Response(request.url), {}, address);
    const socketPath = rig.server.addr;
    assert.equal(await get({ socketPath, path: '/a' }), '200 http://localhost/a');
  });

  test('tells who is behind a proxy', async (t) => {
    const rig = await startHttp(t, (_request, info) => new Response(info.remoteAddr), {
      proxyProtocol: 'required',
    });
    const line = 'PROXY TCP4 192.0.2.1 192.0.2.2 1234 80\r\n';
    const text = `${line}GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`;
    assert.equal((await exchange(t, rig, text)).next().body, '192.0.2.1:1234');
  });

  test('refuses handlers and options that are none', async () => {
    const handler: FetchHandler = { fetch: () => new Response() };
    const wrong: readonly [unknown, object][] = [
      [{}, {}],
      [null, {}],
      [handler, { headTimeout: 0 }],
      [handler, { keepAliveTimeout: 'long' }],
      [handler, { limits: { bodyLengthMax: -1 } }],
      [handler, { bodyHighWaterMark: 0 }],
      [handler, { onError: 1 }],
      [handler, { nothing: 1 }],
      [new URL('file:///app.js'), { onError: () => new Response() }],
    ];
    for (const [given, options] of wrong) {
      const serving = serveHttp(given as FetchHandler, 'tcp://127.0.0.1:0', options);
      await assert.rejects(serving, ErrInvalidOption, JSON.stringify(options));
    }
  });
});

describe('clients from elsewhere', () => {
  const echo = async (request: Request): Promise<Response> =>
    new Response(request.method === 'POST' ? request.body : 'hello');

  test('undici keeps its connection, and sends and gets streams', async (t) => {
    const rig = await startHttp(t, echo);
    const dispatcher = new Agent({ connections: 1, pipelining: 4 });
    t.after(() => dispatcher.close());
    const body = Buffer.alloc(3_000_000, 'some of it');
    const answers = Array.from({ length: 20 }, async (_, index) => {
      const options = index % 5 === 0 ? { method: 'POST', body } : { method: 'GET' };
      const answer = await undiciRequest(rig.url, { dispatcher, ...options });
      const bytes = Buffer.from(await answer.body.arrayBuffer());
      assert.ok(bytes.equals(index % 5 === 0 ? body : Buffer.from('hello')));
    });
    await Promise.all(answers);
    assert.ok(rig.server.stats().loops.every((loop) => loop.accepted <= 4));
  });

  test('fetch of the runtime', async (t) => {
    const rig = await startHttp(t, async (request) => {
      if (request.url.endsWith('/on')) return fetch(new URL('/', request.url));
      if (request.url.endsWith('/same')) return fetch(new Request(`${rig.url}/`, request));
      return echo(request);
    });
    assert.equal(await (await fetch(rig.url)).text(), 'hello');
    assert.equal(await (await fetch(`${rig.url}/on`)).text(), 'hello');
    const post = await fetch(`${rig.url}/same`, { method: 'POST', body: 'through' });
    assert.equal(await post.text(), 'through');
    assert.deepEqual(rig.errors, []);
  });

  test('curl: HEAD, uploads with and without a length, Expect, 1.0', {
    skip: missing('curl'),
  }, async (t) => {
    const rig = await startHttp(t, echo);
    const curl = async (...parameters: string[]) => {
      const { code, stdout, stderr } = await runClient('curl', ['-sS', ...parameters, rig.url]);
      assert.equal(`${code} ${stderr}`, '0 ');
      return stdout;
    };
    const file = join(temporaryDirectory(t), 'body');
    const body = Buffer.alloc(2_000_000, 'a body that repeats itself');
    writeFileSync(file, body);
    const upload = ['--data-binary', `@${file}`];
    assert.equal((await curl()).toString(), 'hello');
    assert.match((await curl('-I')).toString(), /^HTTP\/1\.1 200 OK\r\n/);
    assert.ok((await curl(...upload)).equals(body));
    assert.ok((await curl('-H', 'Transfer-Encoding: chunked', ...upload)).equals(body));
    const patient = ['--expect100-timeout', '30', '-H', 'Expect: 100-continue'];
    assert.ok((await curl(...patient, ...upload)).equals(body));
    assert.equal((await curl('-0')).toString(), 'hello');
  });

  test('Python’s http.client', { skip: missing('python3') }, async (t) => {
    const rig = await startHttp(t, echo);
    const program = `
import http.client, sys
c = http.client.HTTPConnection(sys.argv[1])
for i in range(3):
    c.request('GET', '/'); r = c.getresponse(); assert (r.status, r.read()) == (200, b'hello')
    c.request('POST', '/', body=b'x' * 100000); assert c.getresponse().read() == b'x' * 100000
    c.request('POST', '/', body=iter([b'ab', b'cd']), encode_chunked=True, headers={'Transfer-Encoding': 'chunked'})
    assert c.getresponse().read() == b'abcd'
    c.request('HEAD', '/'); r = c.getresponse(); assert r.read() == b'' and r.headers['content-length'] == '5'
print('fine')
`;
    const { stdout, stderr } = await runClient('python3', ['-c', program, rig.server.addr]);
    assert.equal(`${stdout}${stderr}`, 'fine\n');
  });

  test('wrk counts no errors', { skip: missing('wrk') }, async (t) => {
    const rig = await startHttp(t, echo);
    const { stdout } = await runClient('wrk', ['-t1', '-c32', '-d1s', rig.url]);
    assert.match(stdout.toString(), /\d+ requests in/);
    assert.doesNotMatch(stdout.toString(), /Socket errors|Non-2xx/);
  });
});

test('a client of HTTP/1.1 that says close is answered and left', async (t) => {
  const rig = await startHttp(t, () => new Response('x'));
  assert.equal((await ask(t, rig, 'GET / HTTP/1.1\r\n\r\n')).body, 'x');
});
