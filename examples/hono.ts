/**
 * An app of Hono over gnet: pages, JSON, a body that is streamed back, files, server-sent events.
 *
 *   npm run example examples/hono.ts -- --port 8080
 *
 * Then, in another terminal:
 *
 *   curl -i http://127.0.0.1:8080/hello/you
 *   curl -d '{"some":"json"}' -H 'Content-Type: application/json' http://127.0.0.1:8080/echo
 *   curl -N http://127.0.0.1:8080/clock
 */
import { serveHttp, staticFiles } from 'gnet/http';
import { Hono } from 'hono';
import { streamSSE } from 'hono/streaming';
import { announce, endWithReason, readFlags, serveOptions } from './lib/flags.ts';

const files = staticFiles(new URL('./http', import.meta.url), { maxAge: 60 });
const app = new Hono();

app.get('/hello/:name', (c) => c.text(`Hello, ${c.req.param('name')}!`));
app.post('/echo', async (c) => c.json(await c.req.json()));
// The body goes back as it comes, however long it is.
app.post('/stream', (c) => new Response(c.req.raw.body));
// The source of the other HTTP example.
app.get('/source/*', (c) => {
  const url = new URL(c.req.url);
  url.pathname = url.pathname.slice('/source'.length);
  return files(new Request(url, c.req.raw));
});
app.get('/clock', (c) =>
  streamSSE(c, async (stream) => {
    while (!stream.aborted) {
      await stream.writeSSE({ event: 'time', data: new Date().toISOString() });
      await stream.sleep(1_000);
    }
  }),
);

const flags = readFlags({ port: 8080 });
const server = await serveHttp(app, `tcp://${flags.host}:${flags.port}`, {
  ...serveOptions(flags),
  onError: (error, request) => {
    console.error(`${request.method} ${request.url} failed:`, error);
    return new Response('Something failed here.\n', { status: 500 });
  },
}).catch(endWithReason);
announce(server, 'tcp');
