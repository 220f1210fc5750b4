/**
 * HTTP/1.1: `GET /`, `GET /plaintext`, `GET /json` and `POST /echo`.
 *
 *   npm run example examples/http.ts -- --port 8080
 *
 * Then, in another terminal:
 *
 *   curl -i http://127.0.0.1:8080/plaintext
 *   curl -d 'some body' http://127.0.0.1:8080/echo
 *
 * With `--tls cert.pem,key.pem` it speaks HTTPS, and says so to who does not.
 */
import { serve } from 'gnet';
import { HttpServer } from './http/server.ts';
import { announce, endWithReason, readFlags, serveOptions } from './lib/flags.ts';

const notEncrypted = 'This port speaks HTTPS: write https:// in place of http://\n';
/** What a client gets that speaks in clear to a port with TLS. */
const plainTextAnswer = [
  'HTTP/1.1 400 Bad Request',
  'Content-Type: text/plain',
  `Content-Length: ${notEncrypted.length}`,
  'Connection: close',
  '',
  notEncrypted,
].join('\r\n');

const flags = readFlags({ port: 8080, idle: '1m' });
const handler = new HttpServer();
const server = await serve(handler, `tcp://${flags.host}:${flags.port}`, {
  ...serveOptions(flags),
  // Every message has its length: one that was cut off is told apart without TLS.
  ...(flags.tls && { tls: { ...flags.tls, plainTextAnswer, ignoreTruncation: true } }),
  // Once a second the date in the answers changes.
  ticker: true,
  // One request never holds as many bytes, and one batch of answers never has as many.
  maxInboundBytes: 2 * 1024 * 1024,
  maxOutboundBytes: 4 * 1024 * 1024,
  codec: handler.codec,
}).catch(endWithReason);
announce(server, 'tcp');
