/** Frames that wait for the promise of an earlier one are not moved about for each of them. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LineBasedFrameCodec } from 'gnet';
import { connect, startRig } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';

describe('frames that wait', () => {
  for (const [name, line, count] of [
    ['empty lines', '\n', 20_000],
    ['lines longer than what is copied', `${'x'.repeat(5_000)}\n`, 400],
  ] as const) {
    test(`${name}: bytes are copied a bounded number of times`, async (t) => {
      let frames = 0;
      const react = async (): Promise<void> => {
        frames++;
      };
      const codec = new LineBasedFrameCodec();
      const rig = await startRig(t, { react }, { codec });
      const client = await connect(t, rig);
      const input = Buffer.from(line.repeat(count));
      let copied = 0;
      const { copy } = Buffer.prototype;
      const counting: typeof copy = function (
        this: Buffer,
        ...parameters: Parameters<typeof copy>
      ) {
        const bytes = copy.apply(this, parameters);
        copied += bytes;
        return bytes;
      };
      t.mock.method(Buffer.prototype, 'copy', counting);
      client.write(input);
      await waitUntil(() => frames === count, 'every line');
      assert.ok(copied < input.length * 10, `${copied} bytes copied for ${input.length}`);
    });
  }
});
