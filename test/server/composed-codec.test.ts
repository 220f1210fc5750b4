/** A codec inside another one, on a connection: what it holds is bounded, kept and never dropped. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BuiltInFrameCodec, type Conn, LineBasedFrameCodec } from 'gnet';
import { composeCodecs, VarintLengthCodec } from 'gnet/codec';
import { codeOf, pair } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';

const codec = composeCodecs(new VarintLengthCodec(), new LineBasedFrameCodec());
const block = (text: string): Buffer => Buffer.from(`${String.fromCharCode(text.length)}${text}`);

test('what waits for the end of an inner frame is bounded by maxFrameLength', async (t) => {
  const codes: string[] = [];
  const { client } = await pair(
    t,
    { react: () => null, onClosed: (_c, error) => void codes.push(codeOf(error)) },
    { codec, maxFrameLength: 1_024 },
  );
  const rest = Buffer.concat(Array.from({ length: 1_000 }, () => block('a'.repeat(100))));
  client.write(rest);
  await waitUntil(() => codes.length > 0, 'the close');
  assert.deepEqual(codes, ['ErrFrameTooLong']);
});

test('a retained frame stays as it was', async (t) => {
  const kept: Buffer[] = [];
  let lines = 0;
  const { client } = await pair(
    t,
    {
      react(frame, c) {
        if (frame === null) return null;
        if (lines++ === 0) {
          kept.push(frame);
          c.retain(frame);
        }
        return null;
      },
    },
    { codec },
  );
  client.write(block('the first\npart'));
  for (let round = 0; round < 40; round++) client.write(block(`${'y'.repeat(90)}\npart`));
  await waitUntil(() => lines === 41, 'all lines');
  assert.equal(String(kept[0]), 'the first');
});

test('another codec is refused while payloads wait, and taken when none do', async (t) => {
  const seen: string[] = [];
  const refused: string[] = [];
  const change = (c: Conn): void => {
    try {
      c.setCodec(new BuiltInFrameCodec());
    } catch (error) {
      refused.push(codeOf(error));
    }
  };
  const { client } = await pair(
    t,
    {
      react(frame, c) {
        seen.push(String(frame));
        if (String(frame).startsWith('change')) change(c);
        return null;
      },
    },
    { codec },
  );
  client.write(Buffer.concat([block('change\nrest\n'), block('change at last\n')]));
  await waitUntil(() => seen.length === 3, 'the lines');
  client.write('raw');
  await waitUntil(() => seen.length === 4, 'what is raw');
  assert.deepEqual(seen, ['change', 'rest', 'change at last', 'raw']);
  assert.deepEqual(refused, ['ErrUnsupportedOp']);
});
