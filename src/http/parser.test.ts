/** The parser and the codec of gnet/http: the same requests, wherever the stream is cut. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { HttpCodec, HttpEvent, HttpParser } from './index.ts';
import { ByteSource, cut, everyCut } from 'gnet/testing';
import { badCases, cutPipelines, goodCases, type HttpCase } from '../../testing/http-corpus.ts';

interface Seen {
  readonly method: string;
  readonly target: string;
  readonly keepAlive: boolean;
  body: string;
  trailers: string;
}

interface Result {
  readonly requests: Seen[];
  /** Requests whose end has come. */
  whole: number;
  status: number | undefined;
  /** Bytes that are not done with. */
  left: number;
}

const limits = { bodyLengthMax: 1024 * 1024 };

function nothing(): Result {
  return { requests: [], whole: 0, status: undefined, left: 0 };
}

function begin(result: Result, parser: HttpParser): void {
  const { head } = parser;
  const method = head.methodText();
  result.requests.push({
    method,
    target: head.targetText(),
    keepAlive: head.keepAlive,
    body: '',
    trailers: '',
  });
}

/** As a program does that keeps what is left, in memory that is new for every piece. */
function parse(pieces: readonly Buffer[]): Result {
  const parser = new HttpParser(limits);
  const result = nothing();
  let left: Buffer = Buffer.alloc(0);
  for (const piece of pieces) {
    const bytes = Buffer.concat([left, piece]);
    let position = 0;
    for (;;) {
      const event = parser.next(bytes, position, bytes.length);
      assert.ok(parser.position >= position);
      position = parser.position;
      if (event === HttpEvent.More) break;
      assert.equal(result.status, undefined, 'nothing is parsed after a malformed request');
      const last = result.requests.at(-1);
      if (event === HttpEvent.Head) begin(result, parser);
      else if (event === HttpEvent.Failed) result.status = parser.status;
      else if (event === HttpEvent.Data) {
        assert.ok(parser.dataEnd > parser.dataStart);
        (last as Seen).body += bytes.toString('latin1', parser.dataStart, parser.dataEnd);
      } else {
        result.whole++;
        (last as Seen).trailers = parser.trailers;
      }
    }
    left = Buffer.from(bytes.subarray(position));
    bytes.fill(0xee);
  }
  result.left = left.length;
  return result;
}

/** The same by the codec. */
function decode(pieces: readonly Buffer[]): Result {
  const codec = new HttpCodec(limits);
  const source = new ByteSource();
  const result = nothing();
  for (const piece of pieces) {
    source.receive(piece);
    for (let frame = codec.decode(source); frame !== null; frame = codec.decode(source)) {
      const last = result.requests.at(-1);
      if (frame.kind === 'head') begin(result, source.codecState as HttpParser);
      else if (frame.kind === 'error') result.status = frame.status;
      else if (frame.kind === 'data') (last as Seen).body += frame.bytes.toString('latin1');
      else {
        result.whole++;
        (last as Seen).trailers = frame.trailers;
      }
    }
  }
  result.left = source.bufferLength();
  return result;
}

function check(result: Result, expected: HttpCase): void {
  assert.equal(result.status, expected.status);
  assert.equal(result.left, 0);
  const complete = result.requests.slice(0, result.whole);
  assert.deepEqual(
    complete.map(({ method, target, keepAlive, body }) => ({ method, target, keepAlive, body })),
    expected.requests.map((request) => ({ keepAlive: true, body: '', ...request })),
  );
}

describe('HttpParser and HttpCodec', () => {
  for (const one of [...goodCases, ...badCases]) {
    test(`${one.status ?? 'takes'}: ${one.name}, in one piece, cut anywhere, byte by byte`, () => {
      for (const pieces of everyCut(one.bytes)) {
        check(parse(pieces), one);
        check(decode(pieces), one);
      }
    });
  }

  test('pipelines of whole requests cut at random places give the same requests', () => {
    fc.assert(
      fc.property(cutPipelines(), ({ expected, pieces }) => check(parse(pieces), expected)),
      { numRuns: 1_000 },
    );
  });

  test('trailers come with the end, wherever they are cut', () => {
    const text =
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n' +
      '3\r\nabc\r\n0\r\nSum: x y\r\nOther:\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n';
    const bytes = Buffer.from(text);
    for (let place = 1; place < bytes.length; place++) {
      const { requests } = parse(cut(bytes, [place]));
      assert.deepEqual(
        requests.map(({ body, trailers }) => [body, trailers]),
        [
          ['abc', 'Sum: x y\r\nOther:\r\n'],
          ['', ''],
        ],
      );
    }
  });

  test('headers are found by name in any case, trimmed, the first of several', () => {
    const parser = new HttpParser();
    const bytes = Buffer.from('GET / HTTP/1.1\r\nhOST: a\r\nX-Y:  b c\t\r\nx-y: d\r\nE:\r\n\r\n');
    assert.equal(parser.next(bytes, 0, bytes.length), HttpEvent.Head);
    const { head } = parser;
    head.detach();
    bytes.fill(0);
    assert.equal(head.header('host'), 'a');
    assert.equal(head.header('x-y'), 'b c');
    assert.equal(head.header('e'), '');
    assert.equal(head.header('x'), undefined);
    assert.equal(head.headersText(), 'hOST: a\r\nX-Y:  b c\t\r\nx-y: d\r\nE:\r\n');
  });

  test('each limit has its status', () => {
    const status = (given: object, text: string): number => {
      const parser = new HttpParser(given);
      const bytes = Buffer.from(text);
      let event = parser.next(bytes, 0, bytes.length);
      for (; event !== HttpEvent.More && event !== HttpEvent.Failed; ) {
        event = parser.next(bytes, parser.position, bytes.length);
      }
      return event === HttpEvent.Failed ? parser.status : 0;
    };
    const head = 'POST /abc HTTP/1.1\r\nHost: a\r\n';
    const chunked = `${head}Transfer-Encoding: chunked\r\n\r\n`;
    assert.equal(status({ methodLengthMax: 3 }, `${head}\r\n`), 501);
    assert.equal(status({ targetLengthMax: 3 }, `${head}\r\n`), 414);
    assert.equal(status({ headersLengthMax: 8 }, `${head}\r\n`), 431);
    assert.equal(status({ headerCountMax: 1 }, `${head}A: b\r\n\r\n`), 431);
    assert.equal(status({ bodyLengthMax: 4 }, `${head}Content-Length: 5\r\n\r\n`), 413);
    assert.equal(status({ bodyLengthMax: 4 }, `${chunked}3\r\nabc\r\n2\r\n`), 413);
    assert.equal(status({ chunkLineLengthMax: 4 }, `${chunked}1;abc\r\n`), 400);
    assert.equal(status({ trailersLengthMax: 4 }, `${chunked}0\r\nA: bc\r\n`), 431);
    assert.equal(status({ emptyLinesMax: 0 }, `\r\n${head}\r\n`), 400);
    assert.equal(status({}, `\r\n${chunked}1;abc\r\nx\r\n0\r\nA: bc\r\n\r\n`), 0);
    assert.throws(() => new HttpParser({ headerCountMax: 0 }), RangeError);
    assert.throws(() => new HttpCodec({ bodyLengthMax: 1.5 }), RangeError);
  });
});
