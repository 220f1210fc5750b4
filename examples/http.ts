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
  ticker: true,
  codec: handler.codec,
});
announce(server, 'tcp');
