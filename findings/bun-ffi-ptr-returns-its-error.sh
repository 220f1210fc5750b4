#!/usr/bin/env bash
# ptr() of bun:ffi returns its error instead of throwing it.
#
# Versions:  Bun 1.4.5 (npm bun); Linux.
# Expected:  no bytes have no address, so ptr() gives null or throws.
# Seen:      ptr() of an empty array, and of an empty view of memory that has bytes, returns a TypeError
#            object with the code ERR_INVALID_ARG_TYPE. No catch sees it; typeof says "object". As an
#            argument of a foreign function the same empty array is accepted, and C gets an address.
# So:        whoever computes with the result gets NaN, and whoever stores it keeps an error for an
#            address. Ask for the length first, or check that the result is a number.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 300 npm install --silent --no-audit --no-fund --prefix "$dir" bun@1.4.5

cat > probe.mjs <<'END'
import { dlopen, ptr } from 'bun:ffi';

const show = (name, bytes) => {
  let how = 'returned';
  let value;
  try {
    value = ptr(bytes);
  } catch (error) {
    how = 'thrown';
    value = error;
  }
  console.log(`${name}: ${how} ${value instanceof Error ? value.code : typeof value}`);
};
show('one byte', new Uint8Array(1));
show('an empty array', new Uint8Array(0));
show('an empty view', new Uint8Array(8).subarray(3, 3));

const { memmove } = dlopen('libc.so.6', {
  memmove: { args: ['ptr', 'ptr', 'u64'], returns: 'ptr' },
}).symbols;
const empty = new Uint8Array(0);
console.log(`as an argument: ${memmove(empty, empty, 0n) ? 'an address' : 'null'}`);
END

seen=$(timeout 30 node_modules/.bin/bun probe.mjs)
printf '%s\n' "$seen"
[ "$seen" = 'one byte: returned number
an empty array: returned ERR_INVALID_ARG_TYPE
an empty view: returned ERR_INVALID_ARG_TYPE
as an argument: an address' ]
