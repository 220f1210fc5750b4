/**
 * A server that lacks something for two seconds, and the CPU that it takes meanwhile. A line of JSON at
 * each step. Descriptors come from `ulimit`, and connections from outside.
 *
 *     exhaustion-process.ts DRIVER descriptors | CALL
 */
import { setCallFault } from '../../testing/failing-calls.ts';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const [driver, lack] = process.argv.slice(2) as ['epoll' | 'io_uring', string];
if (driver === 'io_uring') await import('../../testing/failing-completions.ts');
const { serve } = await import('gnet');

const lackMs = 2_000;
const clientsOfOurs = 20;
const say = (what: object): void => console.log(JSON.stringify(what));

/** Of one core. */
async function cpuWhileWaiting(): Promise<number> {
  const before = process.cpuUsage();
  const began = performance.now();
  await sleep(lackMs);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 10 / (performance.now() - began);
}

const server = await serve({ react: (frame) => frame }, 'tcp://127.0.0.1:0', {
  driver,
  logLevel: 'silent',
});
const port = Number(server.addr.split(':')[1]);

async function lackOfMemory(call: string): Promise<void> {
  const clients: Socket[] = [];
  for (let count = 0; count < clientsOfOurs; count++) {
    const client = connect(port, '127.0.0.1');
    await once(client, 'connect');
    clients.push(client);
  }
  const answers = clients.map((client) => once(client, 'data'));
  setCallFault({ call, errno: 'ENOMEM' });
  for (const client of clients) client.write('hello');
  say({ cpu: await cpuWhileWaiting() });
  setCallFault(null);
  await Promise.all(answers);
  for (const client of clients) client.destroy();
}

if (lack === 'descriptors') {
  say({ port });
  await once(createInterface(process.stdin), 'line');
  say({ cpu: await cpuWhileWaiting() });
  await once(process.stdin, 'end');
} else {
  await lackOfMemory(lack);
}
await server.close();
say({ done: true });
process.exit();
