/**
 * Keeps frames of several reads, cut from the read buffer and from the ring, and prints `ok` when every
 * one of them is still what it was; then releases them, and sees that the memory is used again.
 */
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { LengthFieldBasedFrameCodec, serve } from 'gnet';

const field = { lengthFieldLength: 2, lengthAdjustment: 0 } as const;
const codec = new LengthFieldBasedFrameCodec(
  { ...field, lengthIncludesLengthFieldLength: false },
  { ...field, lengthFieldOffset: 0, initialBytesToStrip: 2 },
);
const kept: { frame: Buffer; copy: Buffer; release: () => void }[] = [];
const server = await serve(
  {
    react(frame, c) {
      if (frame === null) return;
      kept.push({ frame, copy: Buffer.from(frame), release: c.retain(frame) });
    },
  },
  'tcp://127.0.0.1:0',
  { codec },
);
const socket = connect(Number(server.addr.split(':')[1]), '127.0.0.1');
const frames = 400;
for (let index = 0; index < frames; index++) {
  const length = 1 + ((index * 7_919) % 3_000);
  const frame = Buffer.alloc(2 + length, 33 + (index % 90));
  frame.writeUInt16BE(length);
  // In pieces, so that some stand in the ring.
  const cut = index % frame.length;
  socket.write(frame.subarray(0, cut));
  if (index % 5 === 0) await sleep(1);
  socket.write(frame.subarray(cut));
}
for (let tries = 0; kept.length < frames && tries < 2_000; tries++) await sleep(5);
const wrong = kept.filter(({ frame, copy }) => !frame.equals(copy)).length;
for (const { release } of kept) release();
console.log(wrong === 0 && kept.length === frames ? 'ok' : `wrong ${wrong} of ${kept.length}`);
socket.destroy();
await server.close();
