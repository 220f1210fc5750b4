/** A program whose threads run it again: two servers, work of its own, an end in order. */
import { isMainLoop, serve } from 'gnet';

let seen = 0;
const first = await serve(
  { react: (frame) => frame, onOpened: () => `${++seen} ` },
  'tcp://127.0.0.1:0',
  { numEventLoop: 3 },
);
const alone = await serve({ react: () => 'alone' }, 'tcp://127.0.0.1:0');
const second = await serve({ react: () => 'second' }, ['tcp://127.0.0.1:0', 'udp://127.0.0.1:0'], {
  loopNum: 2,
  reusePort: true,
});
if (isMainLoop) {
  const addresses = [first, alone, second].map((server) => server.addr).join(' ');
  process.once('SIGTERM', async () => {
    const stopped = await Promise.all([first.stop(), alone.stop(), second.stop()]);
    process.stdout.write(`stopped ${JSON.stringify(stopped)}\n`);
  });
  // Last: whoever reads it may send the signal at once.
  process.stdout.write(`listening ${addresses} ${process.argv.slice(2).join(',')}\n`);
} else {
  const counts = [first, alone, second].map((server) => server.numEventLoop);
  process.stdout.write(`thread sees ${counts} ${first.addr} ${process.argv.slice(2).join(',')}\n`);
}
await first.closed;
process.stdout.write(`first closed, ${isMainLoop ? 'main' : 'thread'}\n`);
