/**
 * node:http over connections of gnet: what is written for it goes on as it is. Here a plain handler; an
 * express or koa application is one, too, and fastify has `app.server`.
 *
 *   npm run example examples/http-node.ts -- --port 8080
 *
 * Then, in another terminal:
 *
 *   curl -i http://127.0.0.1:8080/
 *   curl -i --data-binary @README.md http://127.0.0.1:8080/echo
 */
import { createServer } from 'node:http';
import { attach } from 'gnet/stream';
import { announce, endWithReason, readFlags, serveOptions } from './lib/flags.ts';

const flags = readFlags({ port: 8080 });
// Each loop runs this file, and has an HTTP server of its own.
const http = createServer((request, response) => {
  if (request.url === '/echo') request.pipe(response);
  else response.end(`hello, ${request.socket.remoteAddress}\n`);
});
const address = `tcp://${flags.host}:${flags.port}`;
const server = await attach(http, address, serveOptions(flags)).catch(endWithReason);
announce(server, 'tcp');
