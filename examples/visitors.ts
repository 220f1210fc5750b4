/**
 * Tells each visitor which one it is, over all event loops, and ends its visit after a while. The loops
 * run on threads of their own and share nothing but the memory that the option `shared` gives them.
 *
 *   npm run example examples/visitors.ts -- --port 9000 --loops 2 --tick 5s
 *
 * Then, in another terminal:
 *
 *   nc 127.0.0.1 9000
 */
import { type Conn, EventServer, serve } from 'gnet';
import { announce, endWithReason, readFlags, serveOptions } from './lib/flags.ts';

const flags = readFlags({ port: 9000, tick: '5s' });

class Visitors extends EventServer {
  override onOpened(c: Conn) {
    const visits = new Int32Array(c.loop.shared as SharedArrayBuffer);
    const number = Atomics.add(visits, 0, 1) + 1;
    // On the wheel of the loop, and gone with the connection: thousands of them cost next to nothing.
    c.setTimer(Math.max(1, flags.tickMs), () => {
      const here = [...c.loop.connections()].length;
      c.asyncWrite(`time is up; ${here} of loop ${c.loop.index} are here\n`);
      c.close();
    });
    return `visitor ${number}, on loop ${c.loop.index}\n`;
  }
}

// The main thread's value counts: each loop sees the same four bytes.
const server = await serve(new Visitors(), `tcp://${flags.host}:${flags.port}`, {
  ...serveOptions(flags),
  shared: new SharedArrayBuffer(4),
}).catch(endWithReason);
announce(server, 'tcp');
