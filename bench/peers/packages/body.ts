/**
 * `GET /body?pieces=N` of node:http: so many pieces of 64 KiB, written as fast as they are taken; 16 MiB
 * when it says nothing.
 *
 * usage: node body.ts PORT node|gnet
 */
import { createServer, type ServerResponse } from 'node:http';
import { listen } from './listen.ts';

const PIECE = Buffer.alloc(64 * 1024, 'x');
const PIECES = 256;

function send(response: ServerResponse, pieces: number): void {
  let left = pieces;
  const go = (): void => {
    while (left > 0) {
      left--;
      if (response.write(PIECE)) continue;
      response.once('drain', go);
      return;
    }
    response.end();
  };
  go();
}

const [, , port, side = 'node'] = process.argv;
const server = createServer((request, response) => {
  const [, query] = (request.url ?? '').split('?pieces=');
  const pieces = query === undefined ? PIECES : Number(query);
  response.setHeader('Content-Length', pieces * PIECE.length);
  send(response, pieces);
});
await listen(server, Number(port), side);
