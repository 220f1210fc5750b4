/**
 * Sends back what it receives, over TCP.
 *
 *   npm run example examples/echo-tcp.ts -- --port 9000
 *
 * Then, in another terminal:
 *
 *   printf hello | nc -q1 127.0.0.1 9000
 */
import { EventServer, isMainLoop, serve } from 'gnet';
import { announce, endWithReason, readFlags, serveOptions } from './lib/flags.ts';

class Echo extends EventServer {
  override react(frame: Buffer | null) {
    return frame;
  }
}

const flags = readFlags({ port: 9000 });
const address = `tcp://${flags.host}:${flags.port}`;
const server = await serve(new Echo(), address, serveOptions(flags)).catch(endWithReason);
announce(server, 'tcp');
const port = server.addr.slice(server.addr.lastIndexOf(':') + 1);
if (isMainLoop) {
  console.log(`Try it:  printf hello | nc -q1 127.0.0.1 ${port}   (Ctrl-C stops the server)`);
}
