/**
 * Sends `hello` and `world` to `examples/codec/server.ts` and prints what comes back.
 *
 *   npm run example examples/codec/client.ts -- --port 9000
 *
 * It runs over `node:net` with the server's codec: a codec needs no framework around it.
 */
import { connect } from 'node:net';
import { readFlags } from '../lib/flags.ts';
import { frameCodec } from './frame-codec.ts';
import { NetFrameSource } from './net-frame-source.ts';

const flags = readFlags({ port: 9000 });
const words = ['hello', 'world'];
const codec = frameCodec();
const source = new NetFrameSource();
let received = 0;

const socket = connect(flags.port, '127.0.0.1');
for (const word of words) socket.write(codec.encode(source, Buffer.from(word)));

socket.on('data', (piece: Buffer) => {
  source.receive(piece);
  for (let frame = codec.decode(source); frame !== null; frame = codec.decode(source)) {
    console.log(frame.toString());
    if (++received === words.length) socket.end();
  }
});
socket.on('close', () => {
  if (received === words.length) return;
  console.error(`The server closed after ${received} of ${words.length} echoes`);
  process.exitCode = 1;
});
socket.on('error', (error) => console.error(`Cannot talk to the server: ${error.message}`));
