/**
 * A player of the game in `server.ts` that walks to the right for a second, and shows where it gets.
 *
 *   npm run example examples/game/player.ts -- --upstream 127.0.0.1:9000
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { client } from 'gnet';
import { readFlags } from '../lib/flags.ts';
import { kind, readState, writeInput, writeJoin, writeLeave } from './messages.ts';

const inputs = 20;
const intervalMs = 50;

const flags = readFlags();
const welcome = Promise.withResolvers<Buffer>();
let newest = 0;

const dialler = await client({
  react(datagram: Buffer | null) {
    if (datagram?.[0] === kind.welcome) welcome.resolve(Buffer.from(datagram.subarray(1)));
    if (datagram?.[0] !== kind.state) return;
    const { tick, players } = readState(datagram);
    // UDP may bring an older one later.
    if (tick <= newest) return;
    newest = tick;
    console.log(players.map(({ id, x, y }) => `player ${id} at ${x}, ${y}`).join('; '));
  },
});
const c = await dialler.dial(`udp://${flags.upstream}`);
// Asked again until it is answered: either may be lost.
const asking = setInterval(() => c.sendTo(writeJoin()), intervalMs);
c.sendTo(writeJoin());
const token = await welcome.promise;
clearInterval(asking);
for (let sequence = 1; sequence <= inputs; sequence++) {
  c.sendTo(writeInput(token, { sequence, dx: 1, dy: 0 }));
  await sleep(intervalMs);
}
c.sendTo(writeLeave(token));
await dialler.stop();
