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
import { type MetricFamily, openMetrics, openMetricsType } from 'gnet/metrics';
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

const metric = (type: MetricFamily['type'], name: string, help: string, value: number) => {
  return { name: `gateway_${name}`, type, help, value };
};
const metrics = (): MetricFamily[] => [
  metric('counter', 'taken', 'Datagrams that the upstream gets.', counted.taken),
  metric('counter', 'refused', 'Datagrams that were answered with no.', counted.refused),
  metric('counter', 'reconnects', 'Times the upstream came back.', upstream.reconnects),
  metric('gauge', 'upstream_up', '1 while connected.', Number(upstream.conn !== null)),
  metric('gauge', 'pending_messages', 'Lines not confirmed yet.', upstream.pendingMessages),
  metric('gauge', 'pending_bytes', 'Their bytes.', upstream.pendingBytes),
];
const page = (): Response =>
  new Response(openMetrics([server, dialler], metrics()), {
    headers: { 'Content-Type': openMetricsType },
  });
// TCP first: outgoing connections may have a port that is free for UDP, hardly ever the other way round.
const web = await serveHttp({ fetch: page }, `tcp://${flags.host}:${flags.port}`).catch(
  endWithReason,
);
const port = web.addr.split(':').at(-1);
const server = await serve({ react: pass }, `udp://${flags.host}:${port}`, {
  graceful: flags.graceful,
}).catch(endWithReason);

announce(server, 'udp');
void server.closed.then(() => Promise.all([web.stop(), dialler.stop()]));
