/** Duplicates of listeners, made and closed in the main thread and in a loop's. */
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import { connect } from 'node:net';
import { serve } from 'gnet';

const module = new URL('../handlers/loops.ts', import.meta.url);
for (const reusePort of [false, true]) {
  const server = await serve(module, 'tcp://127.0.0.1:0', { numEventLoop: 2, reusePort });
  closeSync(server.dupFd());
  const client = connect(Number(server.addr.split(':')[1]), '127.0.0.1');
  await once(client, 'data');
  client.write('dup');
  console.log(`${await once(client, 'data')}`);
  client.destroy();
  await server.stop();
}
