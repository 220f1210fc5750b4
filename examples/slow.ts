/**
 * Answers each line, a number, with that Fibonacci number, computed in the slowest way: from about 35
 * on it blocks its loop, and gnet says so.
 *
 *   npm run example examples/slow.ts -- --port 9000
 *
 * Then, in another terminal:
 *
 *   printf '38\n' | nc -q 5 127.0.0.1 9000
 */
import { type EventHandler, LineBasedFrameCodec, serve } from 'gnet';
import { announce, endWithReason, readFlags, serveOptions } from './lib/flags.ts';

const largest = 45;
const fibonacci = (n: number): number => (n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2));

const handler: EventHandler = {
  react(frame) {
    if (frame === null) return;
    const n = Number(frame.toString());
    if (!Number.isInteger(n) || n < 0 || n > largest) return `give a number from 0 to ${largest}`;
    return String(fibonacci(n));
  },
};

const flags = readFlags({ port: 9000, host: '127.0.0.1' });
const server = await serve(handler, `tcp://${flags.host}:${flags.port}`, {
  ...serveOptions(flags),
  codec: new LineBasedFrameCodec(),
  slowHandler: 50,
}).catch(endWithReason);
announce(server, 'tcp');
