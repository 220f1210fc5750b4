/**
 * The program's own file, again and again: each cycle's threads come to the same call of `serve`.
 * With `waits` they let the server before it end first, with `late` they come to the next call when
 * nobody needs them any more; without, they are there already.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { isMainLoop, serve } from 'gnet';

const manner = process.argv[2];
const cycles = 3;
const connections = 4;

for (let cycle = 0; cycle < cycles; cycle++) {
  const server = await serve({ react: (frame) => frame }, 'tcp://127.0.0.1:0', { numEventLoop: 2 });
  if (isMainLoop) {
    for (let count = 0; count < connections; count++) {
      const client = connect(Number(server.addr.split(':')[1]), '127.0.0.1');
      client.write('hello');
      await once(client, 'data');
      client.destroy();
    }
    await server.stop();
  } else if (manner !== undefined) {
    await server.closed;
    if (manner === 'late') await new Promise((resolve) => setTimeout(resolve, 30));
  }
}
if (isMainLoop) process.stdout.write(`done ${cycles}\n`);
