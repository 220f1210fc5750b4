/**
 * A server of node:http keeps its port and its requests. What asks for an upgrade leaves it, and is a
 * connection of gnet from then on: a chat, line by line.
 *
 *   npm run example examples/http-upgrade.ts -- --port 8080
 *
 * Then, in two other terminals:
 *
 *   (printf 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: lines\r\n\r\n'; cat) |
 *     nc 127.0.0.1 8080
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { client, type EventHandler } from 'gnet';
import { LineBasedFrameCodec } from 'gnet/codec';
import { fromSocket } from 'gnet/stream';
import { endWithReason, readFlags } from './lib/flags.ts';

const ANSWER = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: lines\r\n\r\n';
const LINE_MAX = 1024;

const flags = readFlags({ port: 8080 });
// A loop that listens nowhere: its connections are those that the HTTP server gives away.
const codec = new LineBasedFrameCodec({ maxFrameLength: LINE_MAX, stripCarriageReturn: true });
const loop = await client({}, { codec, idleTimeout: flags.idleMs }).catch(endWithReason);
const chat: EventHandler = {
  react(line, c) {
    if (line !== null) void loop.broadcast(`${c.remoteAddr}: ${line}`);
  },
};

const http = createServer((_request, response) => response.end('ask for the upgrade to lines\n'));
http.on('upgrade', (_request, socket, head) => {
  socket.on('error', () => socket.destroy());
  socket.write(ANSWER);
  socket.unshift(head); // lines that came with the request
  fromSocket(socket, loop, { handler: chat }).catch(() => socket.destroy());
});
http.listen({ port: flags.port, ...(flags.host !== '' && { host: flags.host }) });
await once(http, 'listening').catch(endWithReason);
const { port } = http.address() as AddressInfo;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    http.close();
    http.closeAllConnections();
    void loop.stop();
  });
}
// Last: whoever waits for this line may end the server at once.
console.log(
  `http-upgrade is listening on tcp://${flags.host}:${port} (multi-cores: false, loops: 1)`,
);
