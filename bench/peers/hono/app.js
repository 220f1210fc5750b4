/** The same app for every server: a text, JSON, a body that comes back, a stream of 1 MiB. */
import { Hono } from 'hono';

const PIECES = 16;
const piece = new Uint8Array(65_536).fill('x'.charCodeAt(0));

const app = new Hono();
app.get('/', (c) => c.text('Hello, World!'));
app.get('/json', (c) => c.json({ message: 'Hello, World!' }));
app.post('/echo', async (c) => c.body(await c.req.arrayBuffer()));
app.get('/stream', () => {
  let count = 0;
  const body = new ReadableStream({
    pull(controller) {
      if (count++ === PIECES) controller.close();
      else controller.enqueue(piece);
    },
  });
  return new Response(body);
});

export default app;
