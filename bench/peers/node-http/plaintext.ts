/**
 * `GET /plaintext` over node:http.
 *
 * usage: node plaintext.ts PORT
 */

import { createServer } from 'node:http';

const port = Number(process.argv[2]);
if (!port) {
  console.error('usage: node plaintext.ts PORT');
  process.exit(2);
}

const BODY = Buffer.from('Hello, World!');
const HEADERS = { 'Content-Type': 'text/plain', 'Content-Length': BODY.length, Server: 'node' };

createServer((request, response) => {
  if (request.url === '/plaintext') response.writeHead(200, HEADERS).end(BODY);
  else response.writeHead(404, { 'Content-Length': 0 }).end();
}).listen({ host: '127.0.0.1', port, backlog: 4096 });
