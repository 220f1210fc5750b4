/**
 * Work that would block an event loop, in a pool of threads: derives a key from each line.
 *
 *   npm run example examples/blocking.ts -- --port 9000
 *
 * Then, in another terminal:
 *
 *   printf 'secret\nother\n' | nc -q1 127.0.0.1 9000
 */
import { type Conn, EventServer, isMainLoop, LineBasedFrameCodec, serve } from 'gnet';
import { ErrPoolOverload, WorkerPool } from 'gnet/pool';
import { announce, endWithReason, readFlags, serveOptions } from './lib/flags.ts';

const pool = new WorkerPool(new URL('./blocking/work.ts', import.meta.url), {
  threads: 2,
  maxQueue: 1_000,
});

class Deriving extends EventServer {
  /** Answers with the result; the loop serves others meanwhile. Answers keep the order of lines. */
  override async react(frame: Buffer | null, c: Conn) {
    if (frame === null) return null;
    try {
      return await pool.submit<string>(frame.toString(), { order: c.id });
    } catch (error) {
      if (error instanceof ErrPoolOverload) return 'busy, try again later';
      throw error;
    }
  }
}

const flags = readFlags({ port: 9000 });
const server = await serve(new Deriving(), `tcp://${flags.host}:${flags.port}`, {
  ...serveOptions(flags),
  codec: new LineBasedFrameCodec(),
  // Deriving a key costs as much as the line is long.
  maxFrameLength: 1024,
}).catch(endWithReason);
announce(server, 'tcp');
if (isMainLoop) void server.closed.then(() => pool.close());
