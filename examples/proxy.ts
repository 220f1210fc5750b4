/**
 * Passes TCP connections on to another server, both ways, in bounded memory.
 *
 *   npm run example examples/http.ts -- --port 8080
 *   npm run example examples/proxy.ts -- --port 9000 --upstream 127.0.0.1:8080
 *
 * Then, in another terminal:
 *
 *   curl -i http://127.0.0.1:9000/plaintext
 *
 * It ends TLS with `--tls cert.pem,key.pem`, and begins it with `--upstream tls://host:443`: then the
 * upstream's certificate must be for that host, from an authority that the runtime trusts
 * (NODE_EXTRA_CA_CERTS adds one).
 */
import { type ClientOptions, client, serve } from 'gnet';
import { announce, endWithReason, readFlags, serveOptions } from './lib/flags.ts';
import { FailureLog } from './proxy/failure-log.ts';
import { DownstreamSide, UpstreamSide } from './proxy/sides.ts';

const flags = readFlags({ port: 9000 });
const relayOptions: ClientOptions = {
  // Each direction ends by itself.
  allowHalfOpen: true,
  // A side that does not read must not keep us from reading it: the other one may wait for that.
  overflow: 'none',
  highWaterMark: 256 * 1024,
  lowWaterMark: 64 * 1024,
  maxOutboundBytes: 1024 * 1024,
  // A passage may rest that long. An answer waits as long for a client that reads it later, also
  // when both sides have nothing more to say.
  idleTimeout: flags.idleMs,
  closeTimeout: flags.idleMs,
  writeTimeout: 0,
};
// It runs beside the server's loop in each thread, so that both sides of a passage are in one.
const dialler = await client(new UpstreamSide(), relayOptions);
const failures = new FailureLog((line) => console.error(line));
const handler = new DownstreamSide(dialler, flags.upstream, failures);
const server = await serve(handler, `tcp://${flags.host}:${flags.port}`, {
  ...serveOptions(flags),
  ...relayOptions,
}).catch(endWithReason);
announce(server, 'tcp');
const stopDialling = (): void => {
  failures.end();
  void dialler.stop();
};
void server.closed.then(stopDialling, stopDialling);
