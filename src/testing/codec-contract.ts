/** What gnet expects of a codec, as cases for any test runner. */
import { deepStrictEqual, ok } from 'node:assert';
import { type CodecOption, codecFor, GnetError, type ICodec } from '../codec/index.ts';
import { Random } from '../driver/simulated/index.ts';
import { ErrInvalidOption } from '../index.ts';
import { ArrayFrameSink } from './array-frame-sink.ts';
import { ByteSource, cut, everyCut } from './byte-source.ts';

const randomCuts = 40;
const randomStreams = 200;
const randomBytesMax = 80;

/** One frame: what `encode` is given, or what stands on the wire, and what `decode` returns of it. */
export type CodecSample<Frame = Buffer> =
  | string
  | Uint8Array
  | { readonly payload: string | Uint8Array; readonly frame: Frame }
  | { readonly wire: string | Uint8Array; readonly frame: Frame };

export interface CodecContractOptions<Frame = Buffer> {
  /**
   * Frames to try: payloads that `decode` returns as they were encoded; or, where frames are no bytes, a
   * payload and its frame; or, where `encode` does not make what `decode` reads, the bytes of one frame and
   * the frame.
   */
  readonly samples: readonly CodecSample<Frame>[];
  /** Streams that `decode` must refuse. */
  readonly corrupt?: readonly (string | Uint8Array)[];
  /** Decides where streams are cut, and what random bytes are. Default: 1. */
  readonly seed?: number;
}

/** One rule of the contract. `run` throws if the codec breaks it. */
export interface CodecCase {
  readonly name: string;
  readonly run: () => void;
}

interface Known {
  readonly wire: Buffer;
  readonly frame: unknown;
  /** Undefined: `encode` makes something else. */
  readonly payload: Buffer | undefined;
}

const asBytes = (value: string | Uint8Array): Buffer => Buffer.from(value as Uint8Array);
const comparable = (frame: unknown): unknown =>
  frame instanceof Uint8Array ? Buffer.from(frame) : frame;

/**
 * The rules for a codec, each as a case: `for (const { name, run } of codecContract(...)) test(name, run)`.
 * @param codec as for the option `codec`: one for all connections, or a function that makes one for each.
 * @throws ErrInvalidOption if it is no codec, or there are no samples: nothing could fail; what `encode`
 *   throws for a sample.
 */
export function codecContract<Frame = Buffer>(
  codec: CodecOption<Frame>,
  options: CodecContractOptions<Frame>,
): CodecCase[] {
  const contract = new CodecContract<Frame>(codecFor(codec), options);
  return [
    { name: 'an encoded frame is decoded to what it was', run: () => contract.roundTrip() },
    { name: 'frames in one piece come one by one, in order', run: () => contract.onePiece() },
    { name: 'wherever a stream is cut, its frames are the same', run: () => contract.anyCut() },
    { name: 'a frame that is not complete is no frame', run: () => contract.unfinished() },
    { name: 'connections do not disturb each other', run: () => contract.twoConnections() },
    { name: 'encode leaves its payload as it is', run: () => contract.payloadIsKept() },
    { name: 'encodeInto writes what encode returns', run: () => contract.encodeInto() },
    { name: 'sharesEncoding is true only if it is', run: () => contract.sharedEncoding() },
    { name: 'corrupt streams are refused, wherever they are cut', run: () => contract.corrupt() },
    { name: 'no stream is an endless loop, or an error of the codec', run: () => contract.noise() },
  ];
}

class CodecContract<Frame> {
  readonly #make: () => ICodec<Frame>;
  readonly #known: readonly Known[];
  readonly #corrupt: readonly Buffer[];
  readonly #seed: number;

  constructor(make: () => ICodec<Frame>, options: CodecContractOptions<Frame>) {
    if (options.samples.length === 0) {
      throw new ErrInvalidOption('cannot try a codec without samples: give one frame at least');
    }
    this.#make = make;
    this.#known = options.samples.map((sample) => this.#knownOf(sample));
    this.#corrupt = (options.corrupt ?? []).map(asBytes);
    this.#seed = options.seed ?? 1;
  }

  #knownOf(sample: CodecSample<Frame>): Known {
    if (typeof sample === 'string' || sample instanceof Uint8Array) {
      const payload = asBytes(sample);
      return { payload, wire: this.#encoded(payload), frame: Buffer.from(payload) };
    }
    if ('wire' in sample) {
      return { payload: undefined, wire: asBytes(sample.wire), frame: comparable(sample.frame) };
    }
    const payload = asBytes(sample.payload);
    return { payload, wire: this.#encoded(payload), frame: comparable(sample.frame) };
  }

  #encoded(payload: Uint8Array): Buffer {
    return Buffer.from(this.#make().encode(new ByteSource(), Buffer.from(payload)));
  }

  // -- decoding -----------------------------------------------------------------------------------
  roundTrip(): void {
    for (const one of this.#known) this.#expectFrames([one.wire], [one]);
  }

  onePiece(): void {
    this.#expectFrames([this.#stream], this.#known);
  }

  anyCut(): void {
    for (const pieces of everyCut(this.#stream)) this.#expectFrames(pieces, this.#known);
    const random = new Random(this.#seed);
    for (let round = 0; round < randomCuts; round++) {
      const places = Array.from({ length: 1 + random.below(8) }, () =>
        random.below(this.#stream.length + 1),
      );
      this.#expectFrames(cut(this.#stream, places), this.#known);
    }
  }

  get #stream(): Buffer {
    return Buffer.concat(this.#known.map(({ wire }) => wire));
  }

  /** Each frame is compared at once: what it lends is overwritten with the next piece. */
  #expectFrames(pieces: readonly Uint8Array[], expected: readonly Known[]): void {
    const codec = this.#make();
    const source = new ByteSource();
    let count = 0;
    const where = `in pieces of ${pieces.map(({ length }) => length).join(', ')} bytes`;
    for (const piece of pieces) {
      source.receive(piece);
      decodeAll(codec, source, (frame) => {
        ok(count < expected.length, `more than ${expected.length} frames came, ${where}`);
        const wanted = expected[count++]?.frame;
        deepStrictEqual(comparable(frame), wanted, `frame ${count} is another one, ${where}`);
      });
    }
    const came = `${count} of ${expected.length} frames came, ${where}`;
    ok(count === expected.length, came);
    ok(source.bufferLength() === 0, `${source.bufferLength()} bytes are left over, ${where}`);
  }

  unfinished(): void {
    for (const { wire } of this.#known) {
      for (let length = 0; length < wire.length; length += Math.ceil(wire.length / 200)) {
        const source = new ByteSource();
        source.receive(wire.subarray(0, length));
        decodeAll(this.#make(), source, () => {
          throw new Error(`a frame came after ${length} of the ${wire.length} bytes of one`);
        });
      }
    }
  }

  twoConnections(): void {
    const codecs = [this.#make(), this.#make()] as const;
    const sources = [new ByteSource(), new ByteSource()] as const;
    const counts: [number, number] = [0, 0];
    const { length } = this.#stream;
    // The second one is behind, so that each is in the middle of something when the other comes.
    for (let at = 0; at < length + 3; at++) {
      for (const which of [0, 1] as const) {
        const offset = at - which * 3;
        if (offset < 0 || offset >= length) continue;
        const source = sources[which];
        source.receive(this.#stream.subarray(offset, offset + 1));
        decodeAll(codecs[which], source, (frame) => {
          const wanted = this.#known[counts[which]++]?.frame;
          deepStrictEqual(comparable(frame), wanted, 'a frame differs between two connections');
        });
      }
    }
    deepStrictEqual(counts, [this.#known.length, this.#known.length]);
  }

  // -- encoding -----------------------------------------------------------------------------------
  get #payloads(): readonly Buffer[] {
    return this.#known.flatMap(({ payload }) => (payload === undefined ? [] : [payload]));
  }

  payloadIsKept(): void {
    for (const payload of this.#payloads) {
      const before = Buffer.from(payload);
      this.#make().encode(new ByteSource(), payload);
      deepStrictEqual(payload, before, 'encode changed its payload');
    }
  }

  encodeInto(): void {
    const codec = this.#make();
    if (codec.encodeInto === undefined) return;
    for (const payload of this.#payloads) {
      const sink = new ArrayFrameSink();
      codec.encodeInto(new ByteSource(), payload, sink);
      deepStrictEqual(sink.written(), this.#encoded(payload), 'encodeInto and encode differ');
    }
  }

  sharedEncoding(): void {
    const [one, other] = [this.#make(), this.#make()];
    if (one.sharesEncoding !== true) return;
    const source = new ByteSource();
    for (const payload of this.#payloads) {
      const first = one.encode(source, payload);
      const kept = Buffer.from(first);
      const second = Buffer.from(other.encode(new ByteSource(), payload));
      deepStrictEqual(second, kept, 'two connections have different bytes');
      one.encode(source, Buffer.alloc(payload.length, 0x55));
      deepStrictEqual(Buffer.from(first), kept, 'the bytes of one frame change with the next');
    }
  }

  // -- what is no stream of frames ----------------------------------------------------------------
  corrupt(): void {
    for (const stream of this.#corrupt) {
      for (const pieces of everyCut(stream)) {
        const error = refusalOf(this.#make(), pieces);
        const shown = stream.toString('latin1');
        ok(error !== undefined, `this stream is not refused: ${JSON.stringify(shown)}`);
        ok(error instanceof GnetError, `decode throws ${String(error)}: give a GnetError`);
      }
    }
  }

  noise(): void {
    const random = new Random(this.#seed);
    for (let round = 0; round < randomStreams; round++) {
      const bytes =
        round % 2 === 0
          ? random.bytes(random.below(randomBytesMax))
          : withOneChange(this.#stream, random);
      const error = refusalOf(this.#make(), cut(bytes, [random.below(bytes.length + 1)]));
      const isRefusal = error === undefined || error instanceof GnetError;
      ok(isRefusal, `decode throws ${String(error)} for ${bytes.toString('hex')}`);
    }
  }
}

function withOneChange(stream: Buffer, random: Random): Buffer {
  const changed = Buffer.from(stream);
  if (changed.length > 0) changed[random.below(changed.length)] = random.below(256);
  return changed;
}

/** What `decode` throws, if it does. An endless loop is thrown as it is. */
function refusalOf(codec: ICodec<unknown>, pieces: readonly Uint8Array[]): unknown {
  const source = new ByteSource();
  for (const piece of pieces) {
    source.receive(piece);
    try {
      decodeAll(codec, source, () => {});
    } catch (error) {
      if (error instanceof EndlessFrames) throw error;
      return error;
    }
  }
  return undefined;
}

class EndlessFrames extends Error {}

/** As a connection does it. @throws EndlessFrames if frames come that no byte is behind. */
function decodeAll(
  codec: ICodec<unknown>,
  source: ByteSource,
  onFrame: (frame: unknown) => void,
): void {
  let left = source.bufferLength() + 1;
  for (;;) {
    const frame = codec.decode(source);
    if (frame === null) return;
    onFrame(frame);
    if (left-- === 0) throw new EndlessFrames('more frames came than there were bytes');
  }
}
