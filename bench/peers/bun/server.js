/**
 * Servers over Bun's own interfaces.
 *
 * usage: bun server.js tcp PORT | unix PATH | udp PORT | http PORT | http-fetch PORT
 *
 * tcp, http and http-fetch speak TLS when CERT and KEY stand behind the port.
 */

const [kind, address, cert, key] = process.argv.slice(2);
const hostname = '127.0.0.1';
const port = Number(address);
const tls = cert && key ? { cert: Bun.file(cert), key: Bun.file(key) } : undefined;

/** What a socket does not take waits in its `data`, and the socket is not read from meanwhile. */
const echo = {
  data(socket, bytes) {
    send(socket, bytes);
  },
  drain(socket) {
    const rest = socket.data;
    socket.data = null;
    if (rest === null || send(socket, rest)) socket.resume();
  },
  open(socket) {
    socket.data = null;
  },
  error() {},
};

function send(socket, bytes) {
  const sent = socket.write(bytes);
  if (sent >= bytes.length || sent < 0) return true;
  // The bytes are lent for the time of the call.
  socket.data = Buffer.concat([socket.data ?? Buffer.alloc(0), bytes.subarray(sent)]);
  socket.pause();
  return false;
}

const start = {
  tcp: () => Bun.listen({ hostname, port, socket: echo, ...(tls && { tls }) }),
  unix: () => Bun.listen({ unix: address, socket: echo }),
  udp: () =>
    Bun.udpSocket({
      hostname,
      port,
      socket: {
        data(socket, bytes, fromPort, fromAddress) {
          socket.send(bytes, fromPort, fromAddress);
        },
      },
    }),
  http: () =>
    Bun.serve({
      hostname,
      port,
      ...(tls && { tls }),
      // A response that never changes: its documentation's advice.
      routes: {
        '/plaintext': new Response('Hello, World!', { headers: { 'Content-Type': 'text/plain' } }),
      },
      fetch: () => new Response(null, { status: 404 }),
    }),
  // A function of the program for every request, as every other server here has it.
  'http-fetch': () =>
    Bun.serve({
      hostname,
      port,
      ...(tls && { tls }),
      fetch: (request) =>
        request.url.endsWith('/plaintext')
          ? new Response('Hello, World!', { headers: { 'Content-Type': 'text/plain' } })
          : new Response(null, { status: 404 }),
    }),
}[kind];

if (start === undefined) {
  console.error('usage: bun server.js tcp PORT | unix PATH | udp PORT | http PORT');
  process.exit(2);
}
await start();
