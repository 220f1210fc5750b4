/**
 * `GET /body` of node:http: 16 MiB, written in pieces of 64 KiB as fast as they are taken.
 *
 * usage: node body.ts PORT node|gnet
 */
import { createServer, type ServerResponse } from 'node:http';
import { listen } from './listen.ts';

const PIECE = Buffer.alloc(64 * 1024, 'x');
const PIECES = 256;

function send(response: ServerResponse): void {
  let left = PIECES;
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
const server = createServer((_request, response) => {
  response.setHeader('Content-Length', PIECES * PIECE.length);
  send(response);
});
await listen(server, Number(port), side);
