/**
 * `POST /upload` of node:http: the body is counted.
 *
 * usage: node upload.ts PORT node|gnet
 */
import { createServer } from 'node:http';
import { listen } from './listen.ts';

const [, , port, side = 'node'] = process.argv;
const server = createServer((request, response) => {
  let count = 0;
  request.on('data', (part: Buffer) => {
    count += part.length;
  });
  request.on('end', () => response.end(String(count)));
});
await listen(server, Number(port), side);
