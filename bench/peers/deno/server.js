/**
 * Servers over Deno's own interfaces.
 *
 * usage: deno run --allow-all server.js tcp PORT | unix PATH | udp PORT | http PORT
 */

const [kind, address] = Deno.args;
const hostname = '127.0.0.1';
const port = Number(address);
const BUFFER_BYTES = 65_536;

async function echo(connection) {
  const buffer = new Uint8Array(BUFFER_BYTES);
  try {
    for (;;) {
      const length = await connection.read(buffer);
      if (length === null) break;
      let sent = 0;
      while (sent < length) sent += await connection.write(buffer.subarray(sent, length));
    }
  } catch {
    // A load generator that ends may reset.
  }
  connection.close();
}

async function serveStreams(listener) {
  for await (const connection of listener) {
    if (kind === 'tcp') connection.setNoDelay(true);
    echo(connection);
  }
}

async function serveDatagrams(socket) {
  for (;;) {
    const [bytes, from] = await socket.receive(new Uint8Array(BUFFER_BYTES));
    await socket.send(bytes, from);
  }
}

function serveHttp() {
  const headers = { 'Content-Type': 'text/plain', 'Content-Length': '13' };
  Deno.serve({ hostname, port, onListen() {} }, (request) =>
    request.url.endsWith('/plaintext')
      ? new Response('Hello, World!', { headers })
      : new Response(null, { status: 404 }),
  );
}

const start = {
  tcp: () => serveStreams(Deno.listen({ hostname, port, tcpBacklog: 4_096 })),
  unix: () => serveStreams(Deno.listen({ transport: 'unix', path: address })),
  udp: () => serveDatagrams(Deno.listenDatagram({ hostname, port, transport: 'udp' })),
  http: serveHttp,
}[kind];

if (start === undefined) {
  console.error(
    'usage: deno run --allow-all server.js tcp PORT | unix PATH | udp PORT | http PORT',
  );
  Deno.exit(2);
}
await start();
