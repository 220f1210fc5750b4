/**
 * A small part of Redis over RESP2 and RESP3: strings, counters, lists, hashes, sets, channels and
 * time limits. The clients of most languages connect to it with their defaults.
 *
 *   npm run example examples/redis.ts -- --port 6379
 *
 * Then, in another terminal:
 *
 *   redis-cli -p 6379 set greeting hello EX 60
 *   redis-cli -p 6379 get greeting
 *
 * There is no password, so it listens on 127.0.0.1 alone; `--host` says otherwise. The data lives in
 * the loop, so there is one loop whatever `--multicore` and `--loops` say.
 */
import { serve } from 'gnet';
import { announce, endWithReason, readFlags, serveOptions } from './lib/flags.ts';
import { BULK_LENGTH_MAX, OUTPUT_MAX } from './redis/limits.ts';
import { RedisServer } from './redis/server.ts';

const flags = readFlags({ host: '127.0.0.1', port: 6379 });
const handler = new RedisServer();
const server = await serve(handler, `tcp://${flags.host}:${flags.port}`, {
  ...serveOptions(flags),
  multicore: false,
  numEventLoop: 1,
  ticker: true,
  // Values are up to 8 MiB, so a connection may need that much and more, each way: there are fewer.
  maxConnections: 200,
  maxInboundBytes: 2 * BULK_LENGTH_MAX,
  highWaterMark: 1024 * 1024,
  maxOutboundBytes: OUTPUT_MAX,
  codec: handler.codec,
}).catch(endWithReason);
announce(server, 'tcp');
