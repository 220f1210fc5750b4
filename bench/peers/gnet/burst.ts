/**
 * Answers a datagram with copies of it in a row: as many as its third word says.
 *
 * usage: node burst.ts --port PORT [--plain]
 */
import { serve } from 'gnet';

const { argv } = process;
const port = Number(argv[argv.indexOf('--port') + 1]);

await serve(
  {
    react(frame: Buffer | null, c) {
      if (frame === null) return;
      const copies = frame.length < 12 ? 1 : frame.readUInt32LE(8);
      c.sendAll(new Array<Buffer>(copies).fill(frame));
    },
  },
  `udp://127.0.0.1:${port}`,
  { udp: { segmentation: !argv.includes('--plain') } },
);
