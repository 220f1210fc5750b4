/** The contract of codecs: the built-in ones keep it, and each rule finds the codec that breaks it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { GnetError } from 'gnet';
import {
  CobsCodec,
  type CodecOption,
  DelimiterBasedFrameCodec,
  FixedLengthFrameCodec,
  type FrameSource,
  type ICodec,
  LengthFieldBasedFrameCodec,
  LineBasedFrameCodec,
  NetstringCodec,
  SlipCodec,
  VarintLengthCodec,
} from 'gnet/codec';
import { type CodecContractOptions, codecContract } from 'gnet/testing';

const texts = ['a', 'frame', 'x'.repeat(300)];

const builtIn: Readonly<Record<string, [CodecOption, CodecContractOptions]>> = {
  lines: [new LineBasedFrameCodec({ maxFrameLength: 400 }), { samples: ['', ...texts] }],
  delimiters: [new DelimiterBasedFrameCodec('$$'), { samples: ['', ...texts] }],
  'fixed length': [new FixedLengthFrameCodec(4), { samples: ['abcd', 'efgh'] }],
  'length field': [
    new LengthFieldBasedFrameCodec(
      { lengthFieldLength: 2 },
      { lengthFieldLength: 2, lengthAdjustment: -2, initialBytesToStrip: 2 },
    ),
    { samples: [{ wire: '\0\x05abc', frame: Buffer.from('abc') }], corrupt: ['\0\x01'] },
  ],
  netstrings: [new NetstringCodec(), { samples: ['', ...texts], corrupt: ['x', '1:ab'] }],
  varints: [new VarintLengthCodec(), { samples: ['', ...texts], corrupt: ['\xff'.repeat(12)] }],
  slip: [new SlipCodec(), { samples: texts }],
  cobs: [new CobsCodec(), { samples: texts }],
};

for (const [name, [codec, options]] of Object.entries(builtIn)) {
  describe(`the codec of ${name} keeps the contract`, () => {
    for (const { name: rule, run } of codecContract(codec, options)) test(rule, run);
  });
}

/** One byte is the length, then come the bytes. */
class Good implements ICodec {
  encode(_c: FrameSource, buf: Uint8Array): Uint8Array {
    return Buffer.concat([Buffer.of(buf.length), buf]);
  }
  decode(c: FrameSource): Buffer | null {
    if (c.bufferLength() === 0) return null;
    const length = c.byteAt(0);
    if (length === 255) throw new GnetError('ErrTest', 'cannot decode: 255 is no length');
    if (c.bufferLength() < 1 + length) return null;
    return (c.next(1 + length) as Buffer).subarray(1);
  }
}

/** Each breaks one rule, which is named first. */
const broken: Readonly<Record<string, () => ICodec>> = {
  'an encoded frame is decoded to what it was': () =>
    new (class extends Good {
      override decode(c: FrameSource): Buffer | null {
        return super.decode(c)?.subarray(0, 3) ?? null;
      }
    })(),
  'frames in one piece come one by one, in order': () =>
    new (class extends Good {
      override decode(c: FrameSource): Buffer | null {
        const frame = super.decode(c);
        c.resetBuffer();
        return frame;
      }
    })(),
  'wherever a stream is cut, its frames are the same': () =>
    new (class extends Good {
      override decode(c: FrameSource): Buffer | null {
        const frame = super.decode(c);
        if (frame === null) c.resetBuffer();
        return frame;
      }
    })(),
  'a frame that is not complete is no frame': () =>
    new (class extends Good {
      override decode(c: FrameSource): Buffer | null {
        const whole = super.decode(c);
        return whole ?? (c.bufferLength() > 2 ? c.next() : null);
      }
    })(),
  'connections do not disturb each other': () =>
    new (class extends Good {
      #length = -1;
      override decode(c: FrameSource): Buffer | null {
        if (this.#length === -1) this.#length = c.next(1)?.[0] ?? -1;
        if (this.#length === -1 || c.bufferLength() < this.#length) return null;
        const frame = this.#length === 0 ? Buffer.alloc(0) : c.next(this.#length);
        this.#length = -1;
        return frame;
      }
    })(),
  'encode leaves its payload as it is': () =>
    new (class extends Good {
      override encode(c: FrameSource, buf: Uint8Array): Uint8Array {
        const encoded = super.encode(c, buf);
        buf.fill(0);
        return encoded;
      }
    })(),
  'encodeInto writes what encode returns': () =>
    new (class extends Good {
      encodeInto: NonNullable<ICodec['encodeInto']> = (_c, buf, sink) => sink.wrap(1, buf, null);
    })(),
  'sharesEncoding is true only if it is': () => {
    let count = 0;
    return new (class extends Good {
      readonly sharesEncoding = true;
      override encode(c: FrameSource, buf: Uint8Array): Uint8Array {
        const encoded = super.encode(c, buf);
        return Buffer.concat([encoded, Buffer.of(0).subarray(0, count++ % 2)]);
      }
    })();
  },
  'corrupt streams are refused, wherever they are cut': () =>
    new (class extends Good {
      override decode(c: FrameSource): Buffer | null {
        return c.bufferLength() > 0 && c.byteAt(0) === 255 ? null : super.decode(c);
      }
    })(),
  'no stream is an endless loop, or an error of the codec': () =>
    new (class extends Good {
      override decode(c: FrameSource): Buffer | null {
        if (c.bufferLength() > 0 && c.byteAt(0) % 2 === 1) return Buffer.alloc(0);
        return super.decode(c);
      }
    })(),
};

describe('a broken codec', () => {
  const options = {
    samples: ['abc', '', 'defgh'],
    corrupt: ['\xff'].map((s) => Buffer.from(s, 'latin1')),
  };

  test('is told from a good one', () => {
    for (const { run } of codecContract(new Good(), options)) run();
  });

  for (const [rule, make] of Object.entries(broken)) {
    test(`fails at: ${rule}`, () => {
      const cases = codecContract(make(), options);
      const found = cases.find(({ name }) => name === rule);
      assert.ok(found !== undefined);
      assert.throws(() => found.run());
    });
  }
});

test('without samples there is nothing to try, and that is refused', () => {
  assert.throws(() => codecContract(new Good(), { samples: [] }), { code: 'ErrInvalidOption' });
});
