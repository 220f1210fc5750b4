/** A thread that is none of ours: it receives a handle, writes by it, then until it is refused. */
import { type MessagePort, parentPort } from 'node:worker_threads';
import { type ConnHandle, connHandle } from 'gnet';

parentPort?.once('message', async ({ handle, port }: { handle: ConnHandle; port: MessagePort }) => {
  const conn = connHandle(handle);
  await conn.write('by thread');
  try {
    for (;;) await conn.write('w');
  } catch (error) {
    port.postMessage((error as { code: string }).code);
  }
});
