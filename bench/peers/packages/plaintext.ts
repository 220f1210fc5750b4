/**
 * `GET /plaintext` by node:http.
 *
 * usage: node plaintext.ts PORT node|gnet
 */
import { createServer } from 'node:http';
import { listen } from './listen.ts';

const BODY = Buffer.from('Hello, World!');
const HEADERS = { 'Content-Type': 'text/plain', 'Content-Length': BODY.length, Server: 'node' };

const [, , port, side = 'node'] = process.argv;
const server = createServer((request, response) => {
  if (request.url === '/plaintext') response.writeHead(200, HEADERS).end(BODY);
  else response.writeHead(404, { 'Content-Length': 0 }).end();
});
await listen(server, Number(port), side);
