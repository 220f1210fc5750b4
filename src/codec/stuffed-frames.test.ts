/** SLIP and COBS: bytes of the RFC and the paper, noise, and what is corrupt. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ArrayFrameSource } from '../../testing/array-frame-source.ts';
import type { ICodec } from './codec.ts';
import { CobsCodec } from './cobs-codec.ts';
import { SlipCodec } from './slip-codec.ts';

function encodedHex(codec: ICodec, hex: string): string {
  const bytes = codec.encode(new ArrayFrameSource(), Buffer.from(hex, 'hex'));
  return Buffer.from(bytes).toString('hex');
}

function framesOf(codec: ICodec, hex: string): string[] {
  const source = new ArrayFrameSource();
  source.feed(Buffer.from(hex, 'hex'));
  const frames: string[] = [];
  for (let frame = codec.decode(source); frame !== null; frame = codec.decode(source)) {
    frames.push(frame.toString('hex'));
  }
  return frames;
}

describe('SlipCodec()', () => {
  test('escapes the end and the escape', () => {
    assert.equal(encodedHex(new SlipCodec(), '01c0db02'), 'c001dbdcdbdd02c0');
    assert.deepEqual(framesOf(new SlipCodec(), 'c001dbdcdbdd02c0'), ['01c0db02']);
  });

  test('noise in front of a frame is a frame of its own; nothing between ends is none', () => {
    assert.deepEqual(framesOf(new SlipCodec(), '7f7fc0c0c00102c003'), ['7f7f', '0102']);
  });

  test('an unknown or unfinished escape makes a frame corrupt', () => {
    for (const hex of ['01db02c0', '01dbc0', 'dbdbc0']) {
      assert.throws(() => framesOf(new SlipCodec(), hex), { code: 'ErrCorruptedFrame' });
      const refused: string[] = [];
      const onCorrupted = (_c: unknown, { code }: { code: string }) => refused.push(code);
      const skipping = new SlipCodec({ skipCorrupted: true, onCorrupted });
      assert.deepEqual(framesOf(skipping, `${hex}05c0`), ['05']);
      assert.deepEqual(refused, ['ErrCorruptedFrame']);
    }
  });
});

describe('CobsCodec()', () => {
  const long = (count: number): string => 'aa'.repeat(count);

  test('rewrites zeros', () => {
    for (const [payload, wire] of [
      ['', '0100'],
      ['00', '010100'],
      ['0000', '01010100'],
      ['11220033', '031122023300'],
      ['11000000', '021101010100'],
      [long(253), `fe${long(253)}00`],
      [long(254), `ff${long(254)}00`],
      [long(255), `ff${long(254)}02aa00`],
      [`${long(254)}00`, `ff${long(254)}010100`],
      [`00${long(254)}`, `01ff${long(254)}00`],
    ] as const) {
      assert.equal(encodedHex(new CobsCodec(), payload), wire);
      assert.deepEqual(framesOf(new CobsCodec(), wire), [payload]);
    }
  });

  test('accepts an empty block behind a full one, which some encoders write', () => {
    assert.deepEqual(framesOf(new CobsCodec(), `ff${long(254)}0100`), [long(254)]);
  });

  test('a block that reaches beyond its frame is corrupt', () => {
    assert.throws(() => framesOf(new CobsCodec(), '05112200'), { code: 'ErrCorruptedFrame' });
    const skipping = new CobsCodec({ skipCorrupted: true });
    assert.deepEqual(framesOf(skipping, '05112200' + '0000' + '027f00'), ['7f']);
  });

  test('a frame that is too long is not collected', () => {
    const codec = new CobsCodec({ maxFrameLength: 4 });
    const source = new ArrayFrameSource();
    source.feed(Buffer.from('0611223344', 'hex'));
    assert.throws(() => codec.decode(source), { code: 'ErrFrameTooLong' });
  });

  test('onCorrupted without skipCorrupted is a slip of the program', () => {
    const onCorrupted = (): void => {};
    assert.throws(() => new CobsCodec({ onCorrupted }), { code: 'ErrInvalidOption' });
  });
});
