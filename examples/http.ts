/**
 * HTTP/1.1: `GET /`, `GET /plaintext`, `GET /json` and `POST /echo`.
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
import { announce, endWithReason, readFlags, serveOptions } from './lib/flags.ts';

const flags = readFlags({ port: 8080, idle: '1m' });
const handler = new HttpServer();
const server = await serve(handler, `tcp://${flags.host}:${flags.port}`, {
  ...serveOptions(flags),
  // Once a second the date in the answers changes.
  ticker: true,
  // One request never holds as many bytes, and one batch of answers never has as many.
  maxInboundBytes: 2 * 1024 * 1024,
  maxOutboundBytes: 4 * 1024 * 1024,
  codec: handler.codec,
}).catch(endWithReason);
announce(server, 'tcp');
