/**
 * Clients of a server that blocks for a while, in a process of their own: ten that are open, and ten
 * that connect while it blocks. Each asks twice before the server has heard of anything. Prints their
 * answers.
 *
 *   late-clients.ts ADDRESS FOLDER
 */
import { once } from 'node:events';
import { RawClient } from 'gnet/testing';
import { unblock, untilBlocked } from '../../support/block.ts';

const [address = '', folder = ''] = process.argv.slice(2);
const connectTen = () => Promise.all(Array.from({ length: 10 }, () => RawClient.connect(address)));

const open = await connectTen();
const first = open[0] as RawClient;
first.write('block\n');
await untilBlocked(folder);
const late = await connectTen();
const clients = [...open, ...late];
for (const client of clients) await client.send('one\ntwo\n');
unblock(folder);
const answers = await Promise.all(
  clients.map(async (client) => {
    const bytes = await client.readUntilEnd();
    client.end();
    return bytes.toString().replaceAll('\r', '');
  }),
);
console.log(JSON.stringify(answers));
if (!first.closed) await once(first.socket, 'close');
