import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ChunkGarbage } from './chunk-garbage.ts';

const mebibyte = 1_024 * 1_024;
const chunkBytes = 65_536;

/** Gives chunks away, and says how much a collection leaves alive. */
class Rig {
  readonly asked: unknown[] = [];
  live = 0;
  /** Of the thread: how often it was looked for what collects. */
  finds = 0;
  readonly #garbage: ChunkGarbage;

  constructor(failures = 0) {
    const collect = (options: object): void => {
      this.asked.push(options);
    };
    const find = () => (++this.finds > failures ? collect : null);
    this.#garbage = new ChunkGarbage(find, () => this.live);
  }

  give(mebibytes: number, bytes = chunkBytes): void {
    for (let left = mebibytes * mebibyte; left > 0; left -= bytes) this.#garbage.made(bytes);
  }

  /** MiB that are given away until the next collection. */
  untilNext(): number {
    const { length } = this.asked;
    let chunks = 0;
    for (; this.asked.length === length; chunks++) this.#garbage.made(chunkBytes);
    return (chunks * chunkBytes) / mebibyte;
  }
}

describe('ChunkGarbage', () => {
  test('asks for a small collection after 16 MiB, and then after each 8 MiB', () => {
    const rig = new Rig();
    rig.give(15);
    assert.deepEqual([rig.finds, rig.asked], [0, []]);
    rig.give(1);
    assert.deepEqual([rig.finds, rig.asked], [1, [{ type: 'minor' }]]);
    assert.deepEqual([rig.untilNext(), rig.untilNext()], [8, 8]);
    assert.equal(rig.finds, 1);
  });

  test('asks less often the more is alive, up to 64 MiB', () => {
    const rig = new Rig();
    const after = (mebibytes: number): number => {
      rig.live = mebibytes * mebibyte;
      rig.untilNext();
      return rig.untilNext();
    };
    assert.deepEqual([0.1, 1, 2.5, 8, 40].map(after), [8, 8, 10, 32, 64]);
    rig.live = 0;
    rig.untilNext();
    assert.equal(rig.untilNext(), 8);
  });

  test('leaves short chunks out of the count', () => {
    const rig = new Rig();
    rig.give(64, 64);
    assert.equal(rig.finds, 0);
  });

  test('looks again when it has found nothing, but not for ever', () => {
    const once = new Rig(1);
    once.give(31);
    assert.deepEqual([once.finds, once.asked.length], [1, 0]);
    once.give(1);
    assert.deepEqual([once.finds, once.asked.length], [2, 1]);

    const never = new Rig(Number.POSITIVE_INFINITY);
    never.give(1_024);
    assert.deepEqual([never.finds, never.asked.length], [3, 0]);
  });
});
