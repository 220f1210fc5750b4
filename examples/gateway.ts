/**
 * Takes datagrams, passes each on as a line to an upstream over TCP, which answers every line with one of
 * its own when it has it, and tells Prometheus about it on the same port over TCP. A datagram is answered
 * with `ok` when it was taken: it reaches the upstream then, whatever becomes of the connection.
 *
 *   npm run example examples/gateway.ts -- --port 9000 --upstream 127.0.0.1:9001
 *   curl http://127.0.0.1:9000/metrics
 */
import { client, LineBasedFrameCodec, serve } from 'gnet';
import { serveHttp } from 'gnet/http';
import { announce, endWithReason, readFlags } from './lib/flags.ts';

const flags = readFlags({ port: 9000 });
const counted = { taken: 0, refused: 0 };

const dialler = await client({}, { codec: new LineBasedFrameCodec() });
const upstream = dialler.link(`tcp://${flags.upstream}`, {
  confirm: true,
  maxKept: 64 * 1024 * 1024,
  reconnect: { minDelay: 50, maxDelay: 5_000 },
  handler: { react: () => upstream.confirm() },
});

function pass(datagram: Buffer | null): string {
  const taken = datagram !== null && !datagram.includes(10) && upstream.write(datagram);
  counted[taken ? 'taken' : 'refused']++;
  return taken ? 'ok' : 'no';
}

const server = await serve({ react: pass }, `udp://${flags.host}:${flags.port}`, {
  graceful: flags.graceful,
}).catch(endWithReason);

const metrics = (): string =>
  Object.entries({
    gateway_taken_total: counted.taken,
    gateway_refused_total: counted.refused,
    gateway_reconnects_total: upstream.reconnects,
    gateway_upstream_up: Number(upstream.conn !== null),
    gateway_pending_messages: upstream.pendingMessages,
    gateway_pending_bytes: upstream.pendingBytes,
  })
    .map(
      ([name, value]) =>
        `# TYPE ${name} ${name.endsWith('_total') ? 'counter' : 'gauge'}\n${name} ${value}\n`,
    )
    .join('');
const port = server.addr.split(':').at(-1);
const web = await serveHttp(
  { fetch: () => new Response(metrics()) },
  `tcp://${flags.host}:${port}`,
).catch(endWithReason);

announce(server, 'udp');
void server.closed.then(() => Promise.all([web.stop(), dialler.stop()]));
