/** A server inside a worker thread, which then ends in the way that its data says. */
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { serve } from 'gnet';

type Way = 'return' | 'terminate' | 'throw' | 'exit';

if (isMainThread) {
  const way = process.argv[2] as Way;
  const worker = new Worker(new URL(import.meta.url), { workerData: way });
  worker.on('error', (error) => console.log(`worker error: ${(error as Error).message}`));
  worker.once('message', (message: string) => {
    console.log(message);
    if (way === 'terminate') void worker.terminate();
  });
  // Not `once`, which an error would end.
  const code = await new Promise((resolve) => worker.on('exit', resolve));
  console.log(`worker exited with ${code}`);
} else {
  const way = workerData as Way;
  const server = await serve({ react: (frame) => frame }, 'tcp://127.0.0.1:0');
  parentPort?.postMessage(`listening on ${server.addr}`);
  if (way === 'return') await server.stop();
  if (way === 'throw') setTimeout(() => fail(), 10);
  if (way === 'exit') setTimeout(() => process.exit(3), 10);
}

function fail(): never {
  throw new Error('thrown in the worker');
}
