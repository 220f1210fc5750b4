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
import { announce, readFlags, serveOptions } from './lib/flags.ts';

class Echo extends EventServer {
  override react(frame: Buffer | null) {
    return frame;
  }
}

const flags = readFlags({ sock: 'echo.sock' });
const server = await serve(new Echo(), `unix://${flags.sock}`, serveOptions(flags));
announce(server, 'unix');
