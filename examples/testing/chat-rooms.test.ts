/**
 * The tests of chat-rooms.ts: no socket, no waiting, and a network that is worse than any real one.
 *
 *   npm test -- examples/testing
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expectFrames, roughFaults, simulate, withSeeds } from 'gnet/testing';
import { ChatRooms, lines } from './chat-rooms.ts';

test('a room hears what is said in it, and nothing else', async () => {
  const { connect, settled, close } = await simulate(new ChatRooms(), { codec: lines });
  const [ann, bob, eve] = [await connect(), await connect(), await connect()];
  for (const one of [ann, bob]) {
    one.write('/join garden\n');
    await expectFrames(one, ['* you are in garden']);
  }
  ann.write('hello\n');
  await expectFrames(bob, [`${ann.localAddress}: hello`]);
  await settled();
  assert.equal(eve.receivedBytes, 0);
  await close();
});

test('who is silent is asked after a minute, and let go after two', async () => {
  const { connect, clock, close } = await simulate(new ChatRooms(), { codec: lines });
  const ann = await connect();
  await clock.advance(60_000);
  await expectFrames(ann, ['* is anybody there?']);
  ann.write('yes\n');
  await clock.advance(119_000);
  assert.equal(ann.closed, false);
  await clock.advance(1_000);
  assert.equal(ann.closed, true);
  await close();
});

test('on a bad network every line arrives once, whole and in order', () =>
  withSeeds(20, async (seed) => {
    const world = await simulate(new ChatRooms(), { codec: lines, seed, faults: roughFaults });
    const [ann, bob] = [await world.connect(), await world.connect()];
    await world.settled();
    const said = Array.from({ length: 50 }, (_, at) => `line ${'-'.repeat(at * 7)}>`);
    for (const line of said) ann.write(`${line}\n`);
    await expectFrames(
      bob,
      said.map((line) => `${ann.localAddress}: ${line}`),
    );
    await world.close();
  }));

test('nobody is left behind when connections break', () =>
  withSeeds(20, async (seed) => {
    const { server, simulation, connect, settled, close } = await simulate(new ChatRooms(), {
      codec: lines,
      seed,
    });
    const guests = await Promise.all(Array.from({ length: 10 }, () => connect()));
    await settled();
    simulation.setFaults({ ...roughFaults, reset: 0.05 });
    for (const guest of guests) guest.write('hello\n');
    await settled();
    const left = guests.filter(({ closed }) => !closed).length;
    assert.equal(server.countConnections(), left);
    await close();
  }));
