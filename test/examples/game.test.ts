/** The game over UDP: its world, and players who see each other move. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  kind,
  readInput,
  readState,
  writeInput,
  writeJoin,
  writeLeave,
  type WorldState,
} from '../../examples/game/messages.ts';
import { step, World, worldSize } from '../../examples/game/world.ts';
import { DatagramClient } from '../support/datagram-client.ts';
import type { TestScope } from '../support/rig.ts';
import { runExample, spawnExample } from './spawn-example.ts';

test('the world takes the newest input, once per tick, and has borders', () => {
  const world = new World();
  const id = world.join();
  world.steer(id, { sequence: 2, dx: 1, dy: 0 });
  world.steer(id, { sequence: 1, dx: -1, dy: 0 });
  const middle = worldSize / 2;
  const seen = { id, sequence: 2, x: middle + step, y: middle };
  assert.deepEqual(world.advance(), { tick: 1, players: [seen] });
  for (let count = 0; count < worldSize; count++) world.advance();
  assert.equal(world.advance().players[0]?.x, worldSize);
  world.leave(id);
  assert.deepEqual(world.advance().players, []);
});

test('an input of the wrong length, or further than a step, is none', () => {
  const token = Buffer.alloc(8);
  const far = writeInput(token, { sequence: 7, dx: 100, dy: -100 });
  assert.deepEqual(readInput(far), { sequence: 7, dx: 1, dy: -1 });
  assert.equal(readInput(far.subarray(0, -1)), null);
});

class Player {
  readonly #peer: DatagramClient;
  readonly #address: string;
  token = Buffer.alloc(0);
  sequence = 0;

  constructor(peer: DatagramClient, address: string) {
    this.#peer = peer;
    this.#address = address;
  }

  static async join(t: TestScope, address: string): Promise<Player> {
    const player = new Player(await DatagramClient.open(t), address);
    await player.send(writeJoin());
    const welcome = await player.#peer.next();
    assert.equal(welcome[0], kind.welcome);
    player.token = Buffer.from(welcome.subarray(1));
    return player;
  }

  send(datagram: Buffer): Promise<void> {
    return this.#peer.send(this.#address, datagram);
  }

  walk(dx: number): Promise<void> {
    return this.send(writeInput(this.token, { sequence: ++this.sequence, dx, dy: 0 }));
  }

  /** Of the states that come, the first that is like this. */
  async until(isSo: (state: WorldState) => boolean): Promise<WorldState> {
    for (;;) {
      const state = readState(await this.#peer.next());
      if (isSo(state)) return state;
    }
  }
}

test('players see each other move, and go', async (t) => {
  const example = await spawnExample('examples/game/server.ts', ['--tick=20ms']);
  const address = `127.0.0.1:${example.port}`;
  const [one, other] = [await Player.join(t, address), await Player.join(t, address)];
  await one.walk(1);
  await other.walk(-1);
  const both = await one.until(({ players }) => {
    const [mine, theirs] = players;
    return (mine?.x ?? 0) > worldSize / 2 && (theirs?.x ?? worldSize) < worldSize / 2;
  });
  assert.deepEqual(
    both.players.map(({ id, sequence }) => [id, sequence]),
    [
      [1, 1],
      [2, 1],
    ],
  );
  // Without the token of this address, nothing happens: then the last input counts on.
  await other.send(writeLeave(Buffer.alloc(8)));
  await other.walk(0);
  await one.until(({ players }) => players.some(({ id, sequence }) => id === 2 && sequence === 2));
  await other.send(writeLeave(other.token));
  const alone = await one.until(({ players }) => players.length === 1);
  assert.equal(alone.players[0]?.id, 1);

  const { code, output } = await runExample('examples/game/player.ts', [`--upstream=${address}`]);
  assert.equal(code, 0);
  assert.match(output, /player 3 at 510, 500/);
  assert.equal(await example.stop(), 0);
});
