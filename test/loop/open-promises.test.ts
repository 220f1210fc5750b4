/** What a loop does while promises of events are open, and that it ends with them. */
import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { simulatedLoop } from './simulated-loop.ts';

interface Gate {
  readonly promise: Promise<void>;
  open(): void;
}

function gate(): Gate {
  let open: () => void = () => {};
  const promise = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { promise, open: () => open() };
}

function rigWith(held: Gate) {
  const frames: { readonly text: string; readonly memory: number }[] = [];
  const rig = simulatedLoop(
    {
      react(frame) {
        const given = frame as Buffer;
        frames.push({ text: String(given), memory: given.buffer.byteLength });
        return String(given) === 'wait' ? held.promise : undefined;
      },
    },
    { poisonFrames: false },
  );
  return { rig, frames };
}

describe('promises that are open', () => {
  for (const how of ['settles', 'outlives its connection'] as const) {
    test(`frames are copied meanwhile, and lent again once it ${how}`, async (t) => {
      // A copy has memory of just its size then; what is lent stands in that of a whole read.
      const { poolSize } = Buffer;
      Buffer.poolSize = 0;
      t.after(() => {
        Buffer.poolSize = poolSize;
      });
      const held = gate();
      const { rig, frames } = rigWith(held);
      const [first, second] = [rig.connect(), rig.connect()];
      await rig.turns(3);
      const send = async (text: string): Promise<void> => {
        second.write(Buffer.from(text));
        await rig.turns(3);
      };
      await send('before');
      first.write(Buffer.from('wait'));
      await rig.turns(3);
      assert.equal(rig.loop.hasPromises, true);
      await send('meanwhile');
      if (how === 'settles') held.open();
      else rig.loop.connections()[0]?.reset();
      await rig.turns(5);
      assert.equal(rig.loop.hasPromises, false);
      await send('after');
      const lent = frames.map(({ text, memory }) => `${text} ${memory > text.length}`);
      assert.deepEqual(lent, ['before true', 'wait true', 'meanwhile false', 'after true']);
      held.open();
      await rig.turns(3);
      assert.equal(rig.loop.openPromises, 0);
    });
  }
});
