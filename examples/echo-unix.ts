/**
 * Sends back what it receives, over a Unix socket.
 *
 *   npm run example examples/echo-unix.ts -- --sock echo.sock
 *
 * Then, in another terminal:
 *
 *   printf hello | socat -t1 - UNIX-CONNECT:echo.sock
 */
import { EventServer, serve } from 'gnet';
import { announce, endWithReason, readFlags, serveOptions } from './lib/flags.ts';

class Echo extends EventServer {
  override react(frame: Buffer | null) {
    return frame;
  }
}

const flags = readFlags({ sock: 'echo.sock' });
const address = `unix://${flags.sock}`;
const server = await serve(new Echo(), address, serveOptions(flags)).catch(endWithReason);
announce(server, 'unix');
