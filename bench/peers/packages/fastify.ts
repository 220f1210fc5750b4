/**
 * `GET /`, answered with JSON by fastify.
 *
 * usage: node fastify.ts PORT node|gnet
 */
import fastify from 'fastify';
import { listen } from './listen.ts';

const [, , port, side = 'node'] = process.argv;
const app = fastify();
app.get('/', async () => ({ message: 'Hello, World!' }));
await app.ready();
await listen(app.server, Number(port), side);
