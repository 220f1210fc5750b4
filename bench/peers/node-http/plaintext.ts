/**
 * `GET /plaintext` over node:http, and over node:https with a certificate.
 *
 * usage: node plaintext.ts PORT [CERT KEY]
 */

import { readFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';

const port = Number(process.argv[2]);
const [cert, key] = process.argv.slice(3);
if (!port) {
  console.error('usage: node plaintext.ts PORT [CERT KEY]');
  process.exit(2);
}

const BODY = Buffer.from('Hello, World!');
const HEADERS = { 'Content-Type': 'text/plain', 'Content-Length': BODY.length, Server: 'node' };

const answer: RequestListener = (request, response) => {
  if (request.url === '/plaintext') response.writeHead(200, HEADERS).end(BODY);
  else response.writeHead(404, { 'Content-Length': 0 }).end();
};

const server =
  cert === undefined || key === undefined
    ? createServer(answer)
    : createSecureServer({ cert: readFileSync(cert), key: readFileSync(key) }, answer);
server.listen({ host: '127.0.0.1', port, backlog: 4096 });
