/** Says in each thread which loop it is, from the first line on, and counts together. */
import { isMainLoop, loopIndex, type Server, serve } from 'gnet';

const first = loopIndex;
const server: Server = await serve(
  {
    onOpened: (c) => {
      const counters = new Int32Array(c.loop.shared as SharedArrayBuffer);
      const same = c.loop === server.loops[first] && c.loop.index === first && c.loop.isHere;
      return `${first} ${same} ${Atomics.add(counters, 0, 1) + 1}\n`;
    },
  },
  'tcp://127.0.0.1:0',
  // Of each thread's own, but that the main thread's counts.
  { numEventLoop: 2, shared: new SharedArrayBuffer(4) },
);
if (isMainLoop) {
  process.stdout.write(`listening ${server.addr} here ${server.loops.map((l) => l.isHere)}\n`);
  process.stdin.once('data', () => {
    const counters = new Int32Array(server.shared as SharedArrayBuffer);
    process.stdout.write(`counted ${counters[0]}\n`);
    process.exit();
  });
}
