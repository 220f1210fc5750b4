/**
 * Has a server of datagrams stop, and sends it many while it blocks. Prints how many were answered.
 *
 *   late-datagrams.ts ADDRESS COUNT FOLDER
 */
import { unblock, untilBlocked } from '../../support/block.ts';
import { DatagramClient } from '../../support/datagram-client.ts';
import { waitUntil } from '../../support/wait-until.ts';

const [address = '', count = '0', folder = ''] = process.argv.slice(2);
const endings: (() => unknown)[] = [];
const client = await DatagramClient.open({ after: (end) => void endings.push(end) });
await client.send(address, 'stop');
await untilBlocked(folder);
for (let index = 0; index < Number(count); index++) await client.send(address, `d${index}`);
unblock(folder);
await waitUntil(() => client.received.length >= Number(count), 'every answer').catch(() => {});
console.log(`${client.received.length} answers`);
for (const end of endings) end();
