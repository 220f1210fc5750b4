/** The recorded behaviour of gnet and netty, vector by vector: test/data/codec-vectors.json. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { ErrFrameTooLong, GnetError } from '../base/errors.ts';
import { BuiltInFrameCodec } from './built-in-frame-codec.ts';
import type { ICodec } from './codec.ts';
import { DelimiterBasedFrameCodec } from './delimiter-based-frame-codec.ts';
import { FixedLengthFrameCodec } from './fixed-length-frame-codec.ts';
import type { ByteOrder } from './length-field.ts';
import { LengthFieldBasedFrameCodec } from './length-field-based-frame-codec.ts';
import { LineBasedFrameCodec } from './line-based-frame-codec.ts';
import type { OversizeOptions } from './oversize.ts';
import { encodeBothWays } from '../../testing/encode-both-ways.ts';
import { ArrayFrameSource } from '../../testing/array-frame-source.ts';

interface Config {
  readonly byteOrder?: 'BE' | 'LE' | 'nil';
  readonly delimiter?: string;
  readonly delimiters?: readonly string[];
  readonly frameLength?: number;
  readonly maxLength?: number;
  readonly maxFrameLength?: number;
  readonly failFast?: boolean;
  readonly stripDelimiter?: boolean;
  readonly lengthFieldOffset?: number;
  readonly lengthFieldLength?: number;
  readonly lengthAdjustment?: number;
  readonly initialBytesToStrip?: number;
  readonly lengthIncludesLengthFieldLength?: boolean;
}

interface Step {
  readonly in: string;
  readonly frames: readonly string[];
  readonly leftover?: string;
  readonly error?: string;
}

interface Outcome {
  readonly frames: readonly string[];
  readonly leftover?: string;
  readonly error?: string;
}

interface Vector {
  readonly name: string;
  readonly codec: 'builtin' | 'line' | 'delimiter' | 'fixed' | 'lengthField';
  readonly op: 'encode' | 'decode';
  readonly config?: Config;
  readonly steps?: readonly Step[];
  readonly in?: string;
  readonly inFill?: { readonly byte: string; readonly count: number };
  readonly out?: string;
  readonly outHeader?: string;
  readonly outLength?: number;
  readonly error?: string;
  readonly recommended?: readonly Outcome[];
  readonly expected?: {
    readonly construct?: string;
    readonly out?: string;
    readonly steps?: readonly Outcome[];
  };
}

interface NettyDecodeVector {
  readonly name: string;
  readonly decoder: 'line' | 'delimiter' | 'lengthField' | 'fixed';
  readonly config: Config;
  readonly steps: readonly Step[];
}

interface NettyEncodeVector {
  readonly name: string;
  readonly config: Config;
  readonly in: string;
  readonly out?: string;
  readonly error?: string;
}

const file = new URL('../../test/data/codec-vectors.json', import.meta.url);
const vectors: {
  readonly gnet: readonly Vector[];
  readonly nettyDecode: readonly NettyDecodeVector[];
  readonly nettyEncode: readonly NettyEncodeVector[];
} = JSON.parse(readFileSync(file, 'utf8'));

/** 'nil' is what Go has where the option is left out. */
function byteOrder(config: Config): { byteOrder?: ByteOrder } {
  return config.byteOrder === undefined || config.byteOrder === 'nil'
    ? {}
    : { byteOrder: config.byteOrder };
}

function lengthFieldCodec(
  op: 'encode' | 'decode',
  config: Config,
  options?: OversizeOptions,
): ICodec {
  const { lengthFieldLength = 4, lengthAdjustment = 0 } = config;
  const common = { lengthFieldLength, lengthAdjustment, ...byteOrder(config) };
  if (op === 'encode') {
    const { lengthIncludesLengthFieldLength = false } = config;
    return new LengthFieldBasedFrameCodec(
      { ...common, lengthIncludesLengthFieldLength },
      { lengthFieldLength: 4 },
    );
  }
  const { lengthFieldOffset = 0, initialBytesToStrip = 0 } = config;
  return new LengthFieldBasedFrameCodec(
    { lengthFieldLength: 4 },
    { ...common, lengthFieldOffset, initialBytesToStrip },
    options,
  );
}

function codecOf(vector: Vector): ICodec {
  const config = vector.config ?? {};
  switch (vector.codec) {
    case 'builtin':
      return new BuiltInFrameCodec();
    case 'line':
      return new LineBasedFrameCodec();
    case 'delimiter':
      return new DelimiterBasedFrameCodec(Buffer.from(config.delimiter!, 'hex'));
    case 'fixed':
      return new FixedLengthFrameCodec(config.frameLength!);
    case 'lengthField':
      return lengthFieldCodec(vector.op, config);
  }
}

/** Decodes until nothing comes; the code of the error that ended it, if one did. */
function decodeAll(codec: ICodec, source: ArrayFrameSource): { frames: string[]; error?: string } {
  const frames: string[] = [];
  try {
    for (;;) {
      const frame = codec.decode(source);
      if (frame === null) return { frames };
      frames.push(frame.toString('hex'));
    }
  } catch (error) {
    assert.ok(error instanceof GnetError, String(error));
    return { frames, error: error.code };
  }
}

function checkDecode(vector: Vector): void {
  const codec = codecOf(vector);
  const source = new ArrayFrameSource();
  const wanted = vector.expected?.steps ?? vector.recommended ?? vector.steps!;
  assert.equal(wanted.length, vector.steps!.length);
  for (const [index, step] of vector.steps!.entries()) {
    source.feed(Buffer.from(step.in, 'hex'));
    const got = decodeAll(codec, source);
    const { frames, leftover, error } = wanted[index]!;
    assert.deepEqual(got.frames, frames);
    assert.equal(got.error, error);
    assert.equal(source.read().toString('hex'), leftover);
  }
}

function checkEncode(vector: Vector): void {
  const codec = codecOf(vector);
  const source = new ArrayFrameSource();
  const fill = vector.inFill;
  const payload = fill
    ? Buffer.alloc(fill.count, Number.parseInt(fill.byte, 16))
    : Buffer.from(vector.in!, 'hex');
  const wanted = vector.expected?.out ?? vector.out;
  if (vector.error !== undefined && wanted === undefined) {
    const code = vector.error === 'LengthOverflow' ? 'ErrLengthOverflow' : vector.error;
    assert.throws(() => codec.encode(source, payload), { code });
    assert.throws(() => encodeBothWays(codec, source, payload), { code });
    return;
  }
  const encoded = encodeBothWays(codec, source, payload);
  if (vector.outHeader === undefined) {
    assert.equal(encoded.toString('hex'), wanted);
    return;
  }
  const header = Buffer.from(vector.outHeader, 'hex');
  assert.equal(encoded.length, vector.outLength);
  assert.ok(encoded.subarray(0, header.length).equals(header));
  assert.ok(encoded.subarray(header.length).equals(payload));
}

suite('gnet', () => {
  for (const vector of vectors.gnet) {
    test(vector.name, () => {
      const code = vector.expected?.construct;
      if (code !== undefined) assert.throws(() => codecOf(vector), { code });
      else if (vector.op === 'decode') checkDecode(vector);
      else checkEncode(vector);
    });
  }
});

function nettyCodec(vector: NettyDecodeVector, errors: string[]): ICodec {
  const { config } = vector;
  const options = {
    stripDelimiter: config.stripDelimiter ?? true,
    failFast: config.failFast ?? true,
    skipTooLong: true,
    onTooLong: (_c: unknown, error: ErrFrameTooLong) => {
      assert.ok(error instanceof ErrFrameTooLong);
      errors.push('TooLongFrame');
    },
  };
  switch (vector.decoder) {
    case 'line': {
      const maxFrameLength = config.maxLength!;
      return new LineBasedFrameCodec({ ...options, maxFrameLength, stripCarriageReturn: true });
    }
    case 'delimiter': {
      const delimiters = config.delimiters!.map((delimiter) => Buffer.from(delimiter, 'hex'));
      const maxFrameLength = config.maxFrameLength!;
      return new DelimiterBasedFrameCodec(delimiters, { ...options, maxFrameLength });
    }
    case 'fixed':
      return new FixedLengthFrameCodec(config.frameLength!);
    case 'lengthField': {
      const maxFrameLength = config.maxFrameLength!;
      return lengthFieldCodec('decode', config, { ...options, maxFrameLength });
    }
  }
}

suite('netty', () => {
  for (const vector of vectors.nettyDecode) {
    test(vector.name, () => {
      const errors: string[] = [];
      const codec = nettyCodec(vector, errors);
      const source = new ArrayFrameSource();
      for (const step of vector.steps) {
        source.feed(Buffer.from(step.in, 'hex'));
        const got = decodeAll(codec, source);
        if (got.error === 'ErrCorruptedFrame') errors.push('CorruptedFrame');
        else assert.equal(got.error, undefined);
        assert.deepEqual(got.frames, step.frames);
        assert.deepEqual(errors.splice(0), step.error === undefined ? [] : [step.error]);
      }
    });
  }
  for (const vector of vectors.nettyEncode) {
    test(vector.name, () => {
      const codec = lengthFieldCodec('encode', vector.config);
      const source = new ArrayFrameSource();
      const payload = Buffer.from(vector.in, 'hex');
      if (vector.error === undefined) {
        assert.equal(encodeBothWays(codec, source, payload).toString('hex'), vector.out);
      } else {
        assert.throws(() => codec.encode(source, payload), { code: 'ErrTooLessLength' });
      }
    });
  }
});

test('no vector is left out', () => {
  const { gnet, nettyDecode, nettyEncode } = vectors;
  assert.deepEqual([gnet.length, nettyDecode.length + nettyEncode.length], [192, 28]);
});
