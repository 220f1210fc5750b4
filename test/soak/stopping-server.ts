/**
 * A server that knows nothing of stopping but `server.stop()`, and has patience: each line `N` is answered
 * with `N ok`.
 *
 *   stopping-server.ts DRIVER LOOPS sync|async
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Conn,
  type EventHandler,
  isMainLoop,
  LineBasedFrameCodec,
  type Options,
  serve,
} from 'gnet';

const [driver = 'auto', loops = '1', mode = 'sync'] = process.argv.slice(2);

let answered = 0;
const handler: EventHandler = {
  react(line: Buffer | null, _c: Conn) {
    const answer = `${line} ok`;
    if (mode === 'sync') return answer;
    answered++;
    return answered % 3 === 0 ? sleep(answered % 7, answer) : Promise.resolve(answer);
  },
};

const server = await serve(handler, 'tcp://127.0.0.1:0', {
  driver: driver as NonNullable<Options['driver']>,
  numEventLoop: Number(loops),
  codec: new LineBasedFrameCodec(),
  // The clients share a process, which a busy machine may leave without a turn for seconds.
  closeTimeout: 30_000,
});
if (isMainLoop) {
  process.once('SIGTERM', async () => {
    const result = await server.stop({ timeout: 60_000 });
    if (result.forced > 0) console.error(`stopped ${JSON.stringify(result)}`);
  });
  console.log(`listening on ${server.addr}`);
}
