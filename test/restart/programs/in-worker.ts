/** Serves in a thread of its own, where no signal arrives. */
import { isMainThread, Worker } from 'node:worker_threads';
import { GnetError, serve } from 'gnet';

if (isMainThread) new Worker(new URL(import.meta.url), { execArgv: process.execArgv });
else {
  const refused = (error: unknown): void => {
    console.log(`refused ${error instanceof GnetError ? error.code : String(error)}`);
  };
  await serve({}, 'tcp://127.0.0.1:0', { graceful: true }).catch(refused);
  const server = await serve({}, 'tcp://127.0.0.1:0');
  await server.restart().catch(refused);
  await server.stop();
}
