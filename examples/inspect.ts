/**
 * An echo server that can be looked into: it serves the page of gnet/inspect beside it, and prints where.
 *
 *   npm run example examples/inspect.ts -- --port 9000 --loops 2
 *
 * Then, in another terminal, connect to it a few times, and open the page:
 *
 *   nc 127.0.0.1 9000
 */
import { EventServer, isMainLoop, serve } from 'gnet';
import { inspect } from 'gnet/inspect';
import { announce, endWithReason, readFlags, serveOptions } from './lib/flags.ts';

class Echo extends EventServer {
  override react(frame: Buffer | null) {
    return frame;
  }
}

const flags = readFlags({ port: 9000 });
const address = `tcp://${flags.host}:${flags.port}`;
const options = { ...serveOptions(flags), histograms: true };
const server = await serve(new Echo(), address, options).catch(endWithReason);
// In the threads of the loops, too: there it only joins.
const page = await inspect(server);
if (isMainLoop) console.log(`look at ${page.url}`);
announce(server, 'tcp');
