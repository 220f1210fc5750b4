/**
 * Two leaks that gnet finds: `keep` retains a frame and forgets it, `wait` answers with a promise that
 * never settles.
 *
 *   npm run example examples/leaks.ts -- --port 9000
 *
 * Then, in another terminal, and look at the log a second later:
 *
 *   printf 'keep\nwait\n' | nc -q 5 127.0.0.1 9000
 */
import { type Conn, type EventHandler, LineBasedFrameCodec, serve } from 'gnet';
import { announce, endWithReason, readFlags, serveOptions } from './lib/flags.ts';

const kept: (() => void)[] = [];

function keep(frame: Buffer, c: Conn): void {
  // What nobody calls: a whole read's memory stays for each.
  kept.push(c.retain(frame));
}

async function answerOfNobody(): Promise<string> {
  return new Promise(() => {});
}

const handler: EventHandler = {
  async react(frame, c) {
    const word = String(frame);
    if (word === 'wait') return await answerOfNobody();
    if (word === 'keep' && frame !== null) keep(frame, c);
    return 'ok';
  },
};

const flags = readFlags({ port: 9000, host: '127.0.0.1' });
const server = await serve(handler, `tcp://${flags.host}:${flags.port}`, {
  ...serveOptions(flags),
  codec: new LineBasedFrameCodec(),
  // Else the promise that never settles holds up the end for 5 s.
  closeTimeout: 500,
  leakDetection: { level: 'all', after: 500 },
}).catch(endWithReason);
announce(server, 'tcp');
