/** Frameworks that speak the web's Request and Response run as they are. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { FetchHandler } from 'gnet/http';
import { serveHttp } from 'gnet/http';
import { request as undiciRequest } from 'undici';
import type { TestScope } from '../support/rig.ts';

/** The same small app in each: text, JSON, a parameter, a body, a header, 404, an error. */
async function check(t: TestScope, app: FetchHandler, errorStatus = 500): Promise<void> {
  const ignore = (): void => {};
  const logger = { debug: ignore, info: ignore, warn: ignore, error: ignore };
  const server = await serveHttp(app, 'tcp://127.0.0.1:0', { logger });
  t.after(() => server.close());
  const ask = async (path: string, options: Parameters<typeof undiciRequest>[1] = {}) => {
    const { statusCode, headers, body } = await undiciRequest(
      `http://${server.addr}${path}`,
      options,
    );
    return { status: statusCode, headers, text: await body.text() };
  };
  const hello = await ask('/');
  assert.equal(hello.text, 'Hello');
  assert.match(String(hello.headers['content-type']), /^text\/plain/i);
  const json = await ask('/json');
  assert.deepEqual(JSON.parse(json.text), { message: 'Hello' });
  assert.match(String(json.headers['content-type']), /^application\/json/);
  assert.equal((await ask('/users/42?full=1')).text, 'user 42 1');
  const post = await ask('/echo', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ some: 'body' }),
  });
  assert.deepEqual(JSON.parse(post.text), { some: 'body' });
  const created = await ask('/header', { headers: { 'x-in': 'in' } });
  assert.equal(created.status, 201);
  assert.equal(created.headers['x-out'], 'in');
  assert.equal((await ask('/nothing')).status, 404);
  assert.equal((await ask('/error')).status, errorStatus);
  const streamed = await ask('/stream');
  assert.equal(streamed.text, 'stream');
}

function stream(): ReadableStream {
  return new Blob(['stream']).stream();
}

describe('frameworks', () => {
  test('Hono', async (t) => {
    const { Hono } = await import('hono');
    const { cors } = await import('hono/cors');
    const { etag } = await import('hono/etag');
    const app = new Hono();
    app.use(cors(), etag());
    app.get('/', (c) => c.text('Hello'));
    app.get('/json', (c) => c.json({ message: 'Hello' }));
    app.get('/users/:id', (c) => c.text(`user ${c.req.param('id')} ${c.req.query('full')}`));
    app.post('/echo', async (c) => c.json(await c.req.json()));
    app.get('/header', (c) => {
      c.header('x-out', c.req.header('x-in') ?? '');
      return c.body('', 201);
    });
    app.get('/error', () => {
      throw new Error('thrown');
    });
    app.get('/stream', (c) => c.body(stream()));
    app.onError((_error, c) => c.text('failed', 500));
    await check(t, app);
  });

  test('h3', async (t) => {
    const { H3 } = await import('h3');
    const app = new H3({ silent: true });
    app.get('/', () => 'Hello');
    app.get('/json', () => ({ message: 'Hello' }));
    app.get('/users/:id', (event) => {
      const full = event.url.searchParams.get('full');
      return `user ${event.context.params?.['id']} ${full}`;
    });
    app.post('/echo', (event) => event.req.json());
    app.get('/header', (event) => {
      event.res.status = 201;
      event.res.headers.set('x-out', event.req.headers.get('x-in') ?? '');
      return '';
    });
    app.get('/error', () => {
      throw new Error('thrown');
    });
    app.get('/stream', () => stream());
    await check(t, { fetch: (request) => app.fetch(request) as Promise<Response> });
  });

  test('Elysia', async (t) => {
    const { Elysia } = await import('elysia');
    const app = new Elysia({ aot: false })
      .get('/', () => 'Hello')
      .get('/json', () => ({ message: 'Hello' }))
      .get('/users/:id', ({ params, query }) => `user ${params.id} ${query['full']}`)
      .post('/echo', ({ body }) => body as object)
      .get('/header', ({ set, headers }) => {
        set.status = 201;
        set.headers['x-out'] = headers['x-in'] ?? '';
        return '';
      })
      .get('/error', () => {
        throw new Error('thrown');
      })
      .get('/stream', () => new Response(stream()));
    await check(t, app);
  });

  test('itty-router', async (t) => {
    const { AutoRouter } = await import('itty-router');
    const app = AutoRouter();
    app.get('/', () => new Response('Hello'));
    app.get('/json', () => ({ message: 'Hello' }));
    app.get(
      '/users/:id',
      ({ params, query }) => new Response(`user ${params['id']} ${query['full']}`),
    );
    app.post('/echo', async (request) => request.json());
    app.get(
      '/header',
      (request) =>
        new Response('', { status: 201, headers: { 'x-out': request.headers.get('x-in') ?? '' } }),
    );
    app.get('/error', () => {
      throw new Error('thrown');
    });
    app.get('/stream', () => new Response(stream()));
    await check(t, app);
  });
});
