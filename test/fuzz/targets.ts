/** What is fuzzed, and what must hold of every input whatever it is. */
import assert from 'node:assert/strict';
import { RespCodec } from '../../examples/redis/resp-codec.ts';
import { ErrInvalidOption, GnetError } from '../../src/base/errors.ts';
import {
  CobsCodec,
  DelimiterBasedFrameCodec,
  FixedLengthFrameCodec,
  type ICodec,
  LengthFieldBasedFrameCodec,
  LineBasedFrameCodec,
  NetstringCodec,
  SlipCodec,
  VarintLengthCodec,
} from '../../src/codec/index.ts';
import { readHeader } from '../../src/connection/proxy-protocol/read-header.ts';
import { writeHeader } from '../../src/connection/proxy-protocol/write-header.ts';
import { HttpEvent, HttpParser } from '../../src/http/index.ts';
import { parseAddress, parseListenAddress } from '../../src/server/addresses.ts';
import { type Options, optionNames, resolveOptions } from '../../src/server/options.ts';
import { ByteSource } from 'gnet/testing';
import { decodeInPieces } from '../../testing/codec-reference.ts';
import type { FuzzTarget } from '../../testing/coverage-fuzzer.ts';
import { badCases, goodCases } from '../../testing/http-corpus.ts';
import { piecesOf } from './pieces.ts';
import { webSocketTarget } from './websocket-target.ts';

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

/** The first byte of an input chooses; the second says where the rest is cut. */
const oversize = { maxFrameLength: 9, failFast: false, skipTooLong: true };
const codecs: readonly (() => ICodec)[] = [
  () => new LineBasedFrameCodec(),
  () => new LineBasedFrameCodec(oversize),
  () => new DelimiterBasedFrameCodec('\r\n\r\n'),
  () => new DelimiterBasedFrameCodec(';', { maxFrameLength: 9, failFast: true }),
  () => new FixedLengthFrameCodec(3),
  () => new LengthFieldBasedFrameCodec({ lengthFieldLength: 2 }, { lengthFieldLength: 2 }),
  () =>
    new LengthFieldBasedFrameCodec(
      { lengthFieldLength: 4 },
      { lengthFieldOffset: 1, lengthFieldLength: 4, lengthAdjustment: -2, initialBytesToStrip: 3 },
      { maxFrameLength: 100 },
    ),
  () =>
    new LengthFieldBasedFrameCodec(
      { lengthFieldLength: 8, byteOrder: 'LE' },
      { lengthFieldLength: 8, byteOrder: 'LE' },
      { maxFrameLength: 100, skipTooLong: true },
    ),
  () => new NetstringCodec({ maxFrameLength: 100 }),
  () => new VarintLengthCodec({ maxFrameLength: 100 }),
  () => new SlipCodec({ maxFrameLength: 20 }),
  () => new CobsCodec({ maxFrameLength: 20 }),
];

function runCodecs(input: Buffer): void {
  const make = codecs[(input[0] ?? 0) % codecs.length] as () => ICodec;
  const stream = input.subarray(2);
  const whole: string[] = [];
  const pieces: string[] = [];
  const bytewise: string[] = [];
  decodeInPieces(make(), stream, [], whole);
  decodeInPieces(make(), stream, [1 + ((input[1] ?? 0) % 17)], pieces);
  decodeInPieces(make(), stream, [1], bytewise);
  assert.deepEqual(pieces, whole);
  assert.deepEqual(bytewise, whole);
}

/** It throws errors of ours, or none. */
function typed(what: () => unknown): unknown {
  try {
    return what();
  } catch (error) {
    assert.ok(error instanceof GnetError, `an error of ours, not ${String(error)}`);
    return error.code;
  }
}

function runAddresses(input: Buffer): void {
  const text = input.toString('utf8');
  const parsed = typed(() => parseAddress(text));
  typed(() => parseListenAddress(text));
  assert.deepEqual(
    typed(() => parseAddress(text)),
    parsed,
  );
}

const values: readonly unknown[] = [
  undefined,
  null,
  true,
  false,
  0,
  -1,
  1,
  1.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  2 ** 53,
  '',
  'auto',
  'epoll',
  '64 KiB',
  [],
  [1],
  {},
  () => {},
  Symbol('s'),
  3n,
  new Date(0),
  Object.create(null),
  new Proxy({}, {}),
  Buffer.alloc(1),
  /x/,
];

const environment = { cpuCount: () => 2, systemBacklog: () => 4_096 };

/** Pairs of bytes: an option and a value. */
function runOptions(input: Buffer): void {
  const options: Record<string, unknown> = {};
  for (let at = 0; at + 1 < Math.min(input.length, 24); at += 2) {
    const name = optionNames[(input[at] as number) % optionNames.length] as string;
    options[name] = values[(input[at + 1] as number) % values.length];
  }
  try {
    resolveOptions(options as Options, environment);
  } catch (error) {
    assert.ok(error instanceof GnetError, `an error of ours, not ${String(error)}`);
    if (error instanceof ErrInvalidOption) assert.match(error.message, /\w/);
  }
}

/** What is read of the beginning of a stream is read of all of it. */
function runProxy(input: Buffer): void {
  const whole = typed(() => readHeader(input));
  for (const length of [input.length >> 1, input.length - 1, 16]) {
    if (length < 0 || length > input.length) continue;
    const part = typed(() => readHeader(Buffer.from(input.subarray(0, length))));
    if (part !== null) assert.deepEqual(part, whole, `of ${length} bytes`);
  }
}

const limits = { bodyLengthMax: 1_024 };

/** What a parser makes of a stream in pieces, as a text. */
export function httpEvents(pieces: readonly Buffer[]): string {
  const parser = new HttpParser(limits);
  let events = '';
  let left = Buffer.alloc(0);
  for (const piece of pieces) {
    const bytes = Buffer.concat([left, piece]);
    let position = 0;
    for (;;) {
      const event = parser.next(bytes, position, bytes.length);
      assert.ok(parser.position >= position && parser.position <= bytes.length);
      position = parser.position;
      if (event === HttpEvent.More) break;
      if (event === HttpEvent.Failed) return `${events}[${parser.status}]`;
      if (event === HttpEvent.Head) {
        const { head } = parser;
        events += `\n${head.methodText()} ${head.targetText()} ${head.keepAlive} `;
      } else if (event === HttpEvent.Data) {
        events += bytes.toString('latin1', parser.dataStart, parser.dataEnd);
      } else events += `<${parser.trailers}>`;
    }
    left = Buffer.from(bytes.subarray(position));
  }
  return events;
}

function runHttp(input: Buffer): void {
  assert.equal(httpEvents(piecesOf(input)), httpEvents([input]));
}

function respEvents(pieces: readonly Buffer[]): string {
  const codec = new RespCodec();
  const source = new ByteSource();
  let events = '';
  for (const piece of pieces) {
    source.receive(piece);
    for (let frame = codec.decode(source); frame !== null; frame = codec.decode(source)) {
      const { batch } = codec;
      for (let index = 0; index < batch.count; index++) events += `\n${batch.commandEnds[index]}`;
      if (batch.protocolError !== null) return `${events}\n${batch.protocolError}`;
    }
  }
  return events;
}

/** Batches may be cut where pieces are: the commands are the same in number, and the error. */
function runResp(input: Buffer): void {
  const count = (events: string): number => events.split('\n').length;
  assert.equal(count(respEvents(piecesOf(input))), count(respEvents([input])));
}

const addresses = { source: '192.0.2.1:56324', destination: '198.51.100.7:443' };

export const fuzzTargets: readonly FuzzTarget[] = [
  {
    name: 'codecs',
    seeds: [
      ...codecs.map((_, index) => Buffer.from([index, 3, ...latin1('5:hello,\r\n12;\r\n\r\n')])),
      Buffer.from([5, 2, 0, 2, 1, 2, 0, 0, 0, 1, 9]),
      Buffer.from([7, 2, 2, 0, 0, 0, 0, 0, 0, 0, 1, 2]),
      Buffer.from([10, 2, 0xc0, 1, 0xdb, 0xdc, 0xdb, 0xdd, 0xc0]),
      Buffer.from([11, 2, 3, 1, 2, 2, 4, 0]),
    ],
    words: ['\r\n', '\n', '12:', ',', '\0', '\xff\xff\xff\xff', '\x80\x80', '\xdb', '\xc0'],
    run: runCodecs,
  },
  {
    name: 'addresses',
    seeds: ['tcp://127.0.0.1:80', 'tcp6://[::1]:0', 'unix:///a/b.sock', 'udp://:1', 'fd://3'].map(
      latin1,
    ),
    words: ['tcp4://', 'tls://', 'systemd://', 'unix://@', '[', ']', '%eth0', ':', '65536', '..'],
    run: runAddresses,
  },
  {
    name: 'options',
    seeds: [Buffer.from([0, 0]), Buffer.from(optionNames.flatMap((_, index) => [index, index]))],
    words: ['\0\x01', '\x05\x02'],
    run: runOptions,
  },
  {
    name: 'proxy-headers',
    seeds: [
      writeHeader({ version: 1, ...addresses }),
      writeHeader({ ...addresses, alpn: 'h2', authority: 'a.test', uniqueId: Buffer.from('id') }),
      writeHeader({ source: '[::1]:1', destination: '[::2]:2' }),
      writeHeader({ source: '/a.sock', destination: '@b' }),
      latin1('PROXY UNKNOWN\r\n'),
    ],
    words: ['PROXY TCP4 ', 'TCP6 ', '\r\n', '\r\n\r\n\0\r\nQUIT\n', '\x21\x11', '\x20', '::'],
    run: runProxy,
  },
  {
    name: 'http',
    seeds: [...goodCases, ...badCases].map(({ bytes }) => bytes).filter((b) => b.length < 600),
    words: [
      'Content-Length: 5\r\n',
      'Transfer-Encoding: chunked\r\n',
      'Connection: close\r\n',
      '\r\n',
      '0\r\n\r\n',
      'HTTP/1.1',
      'HTTP/1.0',
      'Host: a\r\n',
      'Expect: 100-continue\r\n',
      ';a="',
      ': ',
    ],
    run: runHttp,
  },
  {
    name: 'resp',
    seeds: ['*2\r\n$3\r\nGET\r\n$1\r\na\r\n', 'PING\r\n', '*0\r\n*-1\r\n', 'SET a 1\n'].map(latin1),
    words: ['*1\r\n', '$0\r\n\r\n', '$-1\r\n', '\r\n', '*1048577\r\n', '$536870913\r\n', '"'],
    run: runResp,
  },
  webSocketTarget,
];
