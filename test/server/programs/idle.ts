/** A server with idle connections of its own; a line on standard input prints its counters. */
import { connect } from 'node:net';
import { serve } from 'gnet';

const server = await serve({}, 'tcp://127.0.0.1:0');
const port = Number(server.addr.slice(server.addr.lastIndexOf(':') + 1));
for (let count = 0; count < 5; count++) connect(port, '127.0.0.1');
setInterval(() => {
  if (server.countConnections() === 5) console.log(`waits ${server.stats().loops[0]?.waits}`);
}, 500);
