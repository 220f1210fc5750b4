/**
 * A UDP echo server over node:dgram.
 *
 * usage: node echo.ts PORT
 */

import { createSocket } from 'node:dgram';

const port = Number(process.argv[2]);
if (!port) {
  console.error('usage: node echo.ts PORT');
  process.exit(2);
}

/** The kernel lowers it to net.core.rmem_max: a burst of small datagrams needs the room. */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;

const socket = createSocket({ type: 'udp4', recvBufferSize: RECEIVE_BUFFER_BYTES });
socket.on('message', (message, peer) => socket.send(message, peer.port, peer.address));
socket.bind(port, '127.0.0.1');
