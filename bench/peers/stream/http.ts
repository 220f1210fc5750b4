/**
 * `GET /plaintext` by node:http, over connections of gnet.
 *
 * usage: node http.ts tcp://127.0.0.1:PORT
 */
import { createServer } from 'node:http';
import { attach } from 'gnet/stream';

const BODY = Buffer.from('Hello, World!');
const HEADERS = { 'Content-Type': 'text/plain', 'Content-Length': BODY.length, Server: 'node' };

const server = createServer((request, response) => {
  if (request.url === '/plaintext') response.writeHead(200, HEADERS).end(BODY);
  else response.writeHead(404, { 'Content-Length': 0 }).end();
});
await attach(server, process.argv[2] ?? 'tcp://127.0.0.1:8080', { backlog: 4096 });
