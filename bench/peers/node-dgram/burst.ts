/**
 * Answers a datagram over node:dgram with copies of it in a row: as many as its third word says.
 *
 * usage: node burst.ts PORT
 */

import { createSocket } from 'node:dgram';

const port = Number(process.argv[2]);
if (!port) {
  console.error('usage: node burst.ts PORT');
  process.exit(2);
}

const socket = createSocket({ type: 'udp4' });
socket.on('message', (message, peer) => {
  const copies = message.length < 12 ? 1 : message.readUInt32LE(8);
  for (let count = 0; count < copies; count++) socket.send(message, peer.port, peer.address);
});
socket.bind(port, '127.0.0.1');
