/**
 * A server that lacks something for two seconds, and the CPU that it takes meanwhile. A line of JSON at
 * each step. What runs out is limited from outside: `exhaustion.ts`.
 *
 *     exhaustion-process.ts DRIVER descriptors | ports | threads | log | readers | CALL [MS]
 */
import { setCallFault } from '../../testing/failing-calls.ts';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Options } from 'gnet';
import { cpuWhileWaiting, nextLine, say } from './exhaustion-steps.ts';

const [driver, lack] = process.argv.slice(2) as [NonNullable<Options['driver']>, string];
if (driver === 'io_uring') await import('../../testing/failing-completions.ts');
const { serve } = await import('gnet');

const clientsOfOurs = 20;

const start = () =>
  serve({ react: (frame) => frame }, 'tcp://127.0.0.1:0', { driver, logLevel: 'silent' });

/** Its clients come from outside. */
async function lackOfDescriptors(): Promise<void> {
  const server = await start();
  say({ port: Number(server.addr.split(':')[1]) });
  await nextLine();
  say({ cpu: await cpuWhileWaiting() });
  await once(process.stdin, 'end');
  await server.close();
}

async function lackOfMemory(call: string): Promise<void> {
  const server = await start();
  const clients: Socket[] = [];
  for (let count = 0; count < clientsOfOurs; count++) {
    const client = connect(Number(server.addr.split(':')[1]), '127.0.0.1');
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
  await server.close();
}

const { lackOf } = await import('./exhaustion-lacks.ts');
if (lack === 'descriptors') await lackOfDescriptors();
else if (lack in lackOf) await (lackOf[lack] as (typeof lackOf)[string])(driver);
else await lackOfMemory(lack);
say({ done: true });
process.exit();
