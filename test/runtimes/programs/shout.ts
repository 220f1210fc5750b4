/**
 * The same program for every runtime: lines in capitals over each address given, a client of its own
 * through the first one, and a tick beside a timer of the runtime. Ends itself on SIGTERM.
 * Arguments: loops, addresses.
 */
import { client, EventServer, isMainLoop, LineBasedFrameCodec, type Options, serve } from 'gnet';

const [loops, ...addresses] = process.argv.slice(2);
const codec = new LineBasedFrameCodec();
let ticks = 0;

class Shout extends EventServer {
  override react(line: Buffer | null) {
    const text = line?.toString().trim().toUpperCase();
    if (!text?.endsWith('LATER')) return text;
    return new Promise<string>((resolve) => {
      setTimeout(() => resolve(text), 1);
    });
  }
  override tick() {
    ticks++;
    return 5;
  }
}

/** What a client of this program's own is answered. */
async function askOver(address: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const handler = {
    onOpened: () => 'from inside\n',
    react: (line: Buffer | null) => resolve(String(line)),
  };
  const own = await client(handler, { codec });
  await own.dial(address);
  const answer = await promise;
  await own.stop();
  return answer;
}

const options: Options = { codec, numEventLoop: Number(loops), ticker: true };
const server = await serve(new Shout(), addresses, options);
if (isMainLoop) {
  const answer = await askOver(`tcp://${server.addr}`);
  // With several loops it ticks in their threads.
  while (loops === '1' && ticks < 3) await new Promise((resolve) => setTimeout(resolve, 1));
  const { driver, addrs, numEventLoop } = server;
  const { host, driversRefused } = server.stats();
  const told = { driver, host, addrs, numEventLoop, answer, driversRefused };
  // Before it says that it serves: whoever reads that may end it at once.
  process.once('SIGTERM', async () => {
    const { forced } = await server.stop();
    // Loops of other threads publish their counts before they sleep, and in the end.
    const accepted = server.stats().loops.map((loop) => loop.accepted);
    console.log(`stopped ${JSON.stringify({ accepted, forced })}`);
  });
  console.log(`serving ${JSON.stringify(told)}`);
}
