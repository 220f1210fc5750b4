/**
 * Sends every datagram back to its sender.
 *
 *   npm run example examples/echo-udp.ts -- --port 9000 --multicore=true --reuseport=true
 *
 * Then, in another terminal:
 *
 *   printf hello | socat -t1 - UDP:127.0.0.1:9000
 */
import { type Conn, EventServer, serve } from 'gnet';
import { announce, endWithReason, readFlags, serveOptions } from './lib/flags.ts';

/** Below it are services, such as another echo: what comes from there may itself be an answer. */
const FIRST_CLIENT_PORT = 1_024;

class Echo extends EventServer {
  /**
   * Anybody can forge a sender. A datagram that names this server would be echoed to itself for
   * ever, and one that names another server would keep the two busy with each other.
   */
  override react(datagram: Buffer | null, conn: Conn) {
    const { remotePort, localPort } = conn;
    return remotePort < FIRST_CLIENT_PORT || remotePort === localPort ? null : datagram;
  }
}

const flags = readFlags({ port: 9000 });
const address = `udp://${flags.host}:${flags.port}`;
const server = await serve(new Echo(), address, serveOptions(flags)).catch(endWithReason);
announce(server, 'udp');
