/**
 * Sends every datagram back to its sender.
 *
 *   npm run example examples/echo-udp.ts -- --port 9000
 *
 * Then, in another terminal:
 *
 *   printf hello | socat -t1 - UDP:127.0.0.1:9000
 */
import { EventServer, serve } from 'gnet';
import { announce, readFlags, serveOptions } from './lib/flags.ts';

class Echo extends EventServer {
  override react(datagram: Buffer | null) {
    return datagram;
  }
}

const flags = readFlags({ port: 9000 });
const server = await serve(new Echo(), `udp://:${flags.port}`, serveOptions(flags));
announce(server, 'udp');
