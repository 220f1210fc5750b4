/** Fifty echoes over the driver named, three times over, on servers of one thread; says what came of it. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { type EventHandler, GnetError, type Options, serve } from 'gnet';

const driver = process.argv[2] as NonNullable<Options['driver']>;
const handler: EventHandler = { react: (frame) => frame };

async function echoes(address: string): Promise<number> {
  const client = connect(Number(address.split(':')[1]), '127.0.0.1');
  let count = 0;
  for (; count < 50; count++) {
    client.write('hello');
    await once(client, 'data');
  }
  client.destroy();
  return count;
}

for (let round = 0; round < 3; round++) {
  try {
    const server = await serve(handler, 'tcp://127.0.0.1:0', { driver, logLevel: 'silent' });
    const count = await echoes(server.addr);
    const { forced } = await server.stop();
    console.log(`round ${round}: ${count} echoes over ${server.driver}, ${forced} forced`);
  } catch (error) {
    console.log(`round ${round}: ${error instanceof GnetError ? error.code : String(error)}`);
  }
}
console.log('done');
