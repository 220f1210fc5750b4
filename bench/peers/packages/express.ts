/**
 * `GET /`, answered with JSON by express.
 *
 * usage: node express.ts PORT node|gnet [LOOPS]
 */
import { createServer } from 'node:http';

const [, , port, side = 'node', loops = '1'] = process.argv;
if (side === 'node') {
  const { makeApp } = await import('./express-app.ts');
  createServer(makeApp()).listen({ host: '127.0.0.1', port: Number(port), backlog: 4096 });
} else {
  const { serve } = await import('gnet');
  const handler = new URL('express-handler.ts', import.meta.url);
  await serve(handler, `tcp://127.0.0.1:${port}`, { numEventLoop: Number(loops), backlog: 4096 });
}
