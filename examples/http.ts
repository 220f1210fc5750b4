/**
 * HTTP/1.1: `GET /plaintext`, `GET /json` and `POST /echo`.
 *
 *   npm run example examples/http.ts -- --port 8080
 *
 * Then, in another terminal:
 *
 *   curl -i http://127.0.0.1:8080/plaintext
 *   curl -d 'some body' http://127.0.0.1:8080/echo
 */
import { serve } from 'gnet';
import { HttpServer } from './http/server.ts';
import { announce, readFlags, serveOptions } from './lib/flags.ts';

const flags = readFlags({ port: 8080 });
const handler = new HttpServer();
const server = await serve(handler, `tcp://:${flags.port}`, {
  ...serveOptions(flags),
  // Once a second the date in the answers changes.
  ticker: true,
  // A connection in use is never silent for this long, and one request never holds as many bytes.
  idleTimeout: 60_000,
  maxInboundBytes: 2 * 1024 * 1024,
  codec: handler.codec,
});
announce(server, 'tcp');
