#!/usr/bin/env bash
# npm's cobs spends a byte more than the algorithm needs where a message ends with a full block.
#
# Versions:  Node 20 or newer; npm cobs 0.2.1; PyPI cobs 1.2.1; Python 3.11.
# Expected:  254 bytes without a zero are one full block: 0xFF and the bytes, 255 in all, as Python's
#            package makes them. The paper's bound of one byte for each 254 holds.
# Seen:      npm's adds a block without bytes, 0x01: 256. It does so wherever a message ends with a full
#            block (254, 508, 762). Both decode either form to the same bytes.
# So:        two encoders of COBS need not agree byte by byte: compare what is decoded, and leave a byte
#            of room in buffers that were made for the paper's bound.
set -eu
python3 -c 'import sys; assert sys.version_info >= (3, 11), sys.version'
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 300 npm install --silent --no-audit --no-fund --prefix "$dir" cobs@0.2.1
timeout 300 python3 -m pip install --root-user-action ignore --quiet --disable-pip-version-check --target "$dir/python" cobs==1.2.1

cat > encode.cjs <<'END'
const { decode, encode } = require('cobs');
const others = process.argv[2].split(',').map((hex) => Buffer.from(hex, 'hex'));
for (const [at, length] of [253, 254, 255, 508].entries()) {
  const message = Buffer.alloc(length, 7);
  const same = decode(encode(message)).equals(message) && decode(others[at]).equals(message);
  console.log(`npm ${length} -> ${encode(message).length}, ends with ${encode(message).at(-1)}, decodes both: ${same}`);
}
END
cat > encode.py <<'END'
from cobs import cobs
print(','.join(cobs.encode(b'\7' * length).hex() for length in (253, 254, 255, 508)))
END
python=$(PYTHONPATH="$dir/python" timeout 20 python3 encode.py)
seen=$(
  printf '%s\n' "$python" | tr ',' '\n' | awk '{ print "python " length($0) / 2 }'
  timeout 20 node encode.cjs "$python"
)
printf '%s\n' "$seen"
[ "$seen" = 'python 254
python 255
python 257
python 510
npm 253 -> 254, ends with 7, decodes both: true
npm 254 -> 256, ends with 1, decodes both: true
npm 255 -> 257, ends with 7, decodes both: true
npm 508 -> 511, ends with 1, decodes both: true' ]
