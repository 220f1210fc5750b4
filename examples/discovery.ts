/**
 * Answers the question `who?` that anybody asks of a multicast group, so that servers of a network find
 * each other without being told where they are. The flag --host is the address of the interface.
 *
 *   npm run example examples/discovery.ts -- --host 127.0.0.1 --port 9000
 *
 * Then, in another terminal:
 *
 *   echo who? | socat -t1 - UDP4-DATAGRAM:239.255.19.84:9000,ip-multicast-if=127.0.0.1
 */
import { hostname } from 'node:os';
import { EventServer, serve } from 'gnet';
import { announce, endWithReason, readFlags } from './lib/flags.ts';

const group = '239.255.19.84';

class Answers extends EventServer {
  readonly #answer = `${hostname()}, process ${process.pid}\n`;

  /** The answer goes back to the asker alone. */
  override react(question: Buffer | null) {
    return String(question).trim() === 'who?' ? this.#answer : null;
  }
}

const flags = readFlags({ port: 9000 });
// What is sent to a group comes to sockets that listen on all addresses.
const server = await serve(new Answers(), `udp4://:${flags.port}`).catch(endWithReason);
await server.joinGroup(group, flags.host === '' ? {} : { interface: flags.host });
announce(server, 'udp');
