/** Restarts beside a thread of the program that serves by itself, and says what came of it. */
import { once } from 'node:events';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { type GnetError, type Server, serve } from 'gnet';

const isSecond = 'IS_SECOND_PROCESS';

async function tryRestart(server: Server): Promise<void> {
  const { code, message } = await server.restart().then(
    () => ({ code: 'restarted', message: '' }),
    (error: GnetError) => error,
  );
  console.log(`${code} ${/thread \d+ of this program has a server/.test(message)}`);
}

if (isMainThread) {
  if (process.env[isSecond] !== undefined) throw new Error('it has come that far');
  process.env[isSecond] = 'yes';
  const server = await serve({}, 'tcp://127.0.0.1:0');
  const start = async (): Promise<Worker> => {
    const worker = new Worker(new URL(import.meta.url), { execArgv: process.execArgv });
    await once(worker, 'message');
    return worker;
  };
  const first = await start();
  await tryRestart(server);
  first.postMessage('stop');
  await once(first, 'exit');
  await tryRestart(server);
  const second = await start();
  await tryRestart(server);
  await second.terminate();
  await tryRestart(server);
  process.exit();
} else {
  const server = await serve({}, 'tcp://127.0.0.1:0');
  parentPort?.once('message', () => void server.stop());
  parentPort?.postMessage('up');
}
