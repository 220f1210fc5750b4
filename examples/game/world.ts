/** The world of the game. It knows nothing of the network: its tests need none. */
import type { Input, WorldState } from './messages.ts';

export const worldSize = 1_000;
/** In one tick. */
export const step = 10;

class Player {
  x = worldSize / 2;
  y = worldSize / 2;
  input: Input = { sequence: 0, dx: 0, dy: 0 };
}

const within = (value: number): number => Math.min(Math.max(value, 0), worldSize);

export class World {
  readonly #players = new Map<number, Player>();
  #tick = 0;
  #ids = 0;

  /** Returns the number of the new player. */
  join(): number {
    this.#ids = (this.#ids % 65_535) + 1;
    this.#players.set(this.#ids, new Player());
    return this.#ids;
  }

  leave(id: number): void {
    this.#players.delete(id);
  }

  /** Takes effect at the next tick; an input that is older than the last one never does. */
  steer(id: number, input: Input): void {
    const player = this.#players.get(id);
    if (player !== undefined && input.sequence > player.input.sequence) player.input = input;
  }

  /** One tick: the same inputs make the same world, whenever it is called. */
  advance(): WorldState {
    this.#tick++;
    for (const player of this.#players.values()) {
      player.x = within(player.x + player.input.dx * step);
      player.y = within(player.y + player.input.dy * step);
    }
    const players = [...this.#players].map(([id, { x, y, input }]) => {
      return { id, sequence: input.sequence, x, y };
    });
    return { tick: this.#tick, players };
  }
}
