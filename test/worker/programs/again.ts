/** The program's own file, again and again: each cycle's threads come to the same call of `serve`. */
import { isMainLoop, serve } from 'gnet';

const addresses: string[] = [];
for (let cycle = 0; cycle < 3; cycle++) {
  const server = await serve({ react: (frame) => frame }, 'tcp://127.0.0.1:0', { numEventLoop: 2 });
  addresses.push(server.addr);
  if (isMainLoop) await server.stop();
  else await server.closed;
}
if (isMainLoop) process.stdout.write(`done ${addresses.length}\n`);
