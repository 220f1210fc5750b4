/** What a program may get wrong, by its argument; prints the error that `serve` gives. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { setEnvironmentData, getEnvironmentData } from 'node:worker_threads';
import { type EventHandler, isMainLoop, serve } from 'gnet';

const wrong = process.argv[2];
const options = { numEventLoop: 2, logger: console };
const handler: EventHandler = {};

async function attempt(): Promise<void> {
  if (wrong === 'behind') {
    if (isMainLoop) await serve(handler, 'tcp://127.0.0.1:0', options);
  } else if (wrong === 'metrics' || wrong === 'late-metrics') {
    await serve(handler, 'tcp://127.0.0.1:0', options);
  } else if (wrong === 'throws') {
    await serve(handler, 'tcp://127.0.0.1:0', options);
  } else if (wrong === 'other') {
    const address = isMainLoop ? 'tcp://127.0.0.1:0' : 'tcp://localhost:0';
    await serve(handler, address, options);
  } else if (wrong === 'busy') {
    const first = await serve(handler, 'tcp://127.0.0.1:0', options);
    try {
      await serve(handler, first.addr, options);
    } finally {
      await first.close();
    }
  } else if (wrong === 'shutdown') {
    const closed = await serve({ onInitComplete: () => 2 }, 'tcp://127.0.0.1:0', options);
    await closed.closed;
    throw Object.assign(new Error('none'), { code: 'closed' });
  }
}

/** A second server on a port of its own, in every thread: the first has taken it already. */
async function serveMetrics(): Promise<void> {
  const metrics = createServer().listen(Number(getEnvironmentData('port') ?? 0), '127.0.0.1');
  metrics.unref();
  // Heard of only when the thread has come to `serve`.
  if (!isMainLoop && wrong === 'late-metrics') return;
  await once(metrics, 'listening');
  setEnvironmentData('port', (metrics.address() as { port: number }).port);
}

if (wrong?.endsWith('metrics')) await serveMetrics();
if (wrong === 'throws' && !isMainLoop) throw new Error('thrown in a thread');
try {
  await attempt();
} catch (error) {
  const { code, message } = error as { code: string; message: string };
  process.stdout.write(`${isMainLoop ? 'main' : 'thread'} ${code}: ${message}\n`);
}
