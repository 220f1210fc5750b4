/**
 * Counts numbered datagrams, and answers the last one of each burst. What the kernel puts together
 * for it comes as one, and is cut before `react` sees it.
 *
 *   npm run example examples/offload/receive.ts -- --host 127.0.0.1 --port 9000
 *
 * Then, in another terminal:
 *
 *   npm run example examples/offload/send.ts -- --upstream 127.0.0.1:9000
 */
import { type Conn, EventServer, serve } from 'gnet';
import { announce, endWithReason, readFlags } from '../lib/flags.ts';
import { burstLength } from './burst.ts';

class Count extends EventServer<Buffer, { received: number }> {
  override onOpened(c: Conn<{ received: number }>): void {
    c.context = { received: 0 };
  }

  override react(datagram: Buffer | null, c: Conn<{ received: number }>) {
    c.context.received++;
    const number = datagram?.readUInt32BE(0) ?? 0;
    return number % burstLength === burstLength - 1 ? datagram?.subarray(0, 4) : null;
  }

  override onClosed(c: Conn<{ received: number }>): void {
    console.log(`${c.context.received} datagrams came from ${c.remoteAddr}`);
  }
}

const flags = readFlags({ port: 9000, idle: '10s' });
const server = await serve(new Count(), `udp://${flags.host}:${flags.port}`, {
  udp: { coalescing: true },
  udpSessions: { idleTimeout: flags.idleMs, max: 100 },
}).catch(endWithReason);
announce(server, 'udp');
