/**
 * A small part of Redis: strings, counters and time limits over RESP2.
 *
 *   npm run example examples/redis.ts -- --port 6379
 *
 * Then, in another terminal:
 *
 *   redis-cli -p 6379 set greeting hello EX 60
 *   redis-cli -p 6379 get greeting
 *
 * The data lives in the loop, so there is one loop whatever `--multicore` and `--loops` say.
 */
import { serve } from 'gnet';
import { announce, readFlags, serveOptions } from './lib/flags.ts';
import { RedisServer } from './redis/server.ts';

const flags = readFlags({ port: 6379 });
const handler = new RedisServer();
const server = await serve(handler, `tcp://:${flags.port}`, {
  ...serveOptions(flags),
  multicore: false,
  numEventLoop: 1,
  ticker: true,
  codec: handler.codec,
});
announce(server, 'tcp');
