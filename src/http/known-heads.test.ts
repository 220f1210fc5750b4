/** A parser that knows heads takes and refuses exactly what one does that knows none. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { HttpEvent, type HttpHead, type HttpLimits, HttpParser, limitsFrom } from './index.ts';
import { cut } from 'gnet/testing';
import { badCases, goodCases } from '../../testing/http-corpus.ts';

/** Limits of their own: parsers with the same object know what the others have read. */
const freshLimits = (given: Partial<HttpLimits> = {}): HttpLimits => limitsFrom({ ...given });

function summary(head: HttpHead): unknown {
  return {
    method: [head.method, head.methodText()],
    target: head.targetText(),
    path: head.bytes.toString('latin1', head.pathStart, head.pathEnd()),
    version: head.minorVersion,
    keepAlive: head.keepAlive,
    length: head.contentLength,
    chunked: head.chunked,
    expectsContinue: head.expectsContinue,
    host: head.hostText(),
    headers: head.headersText(),
    names: [head.header('host'), head.header('x')],
    size: head.headEnd - head.start,
  };
}

/** All that is found in these pieces, as a program sees it that keeps what is left. */
function found(parser: HttpParser, pieces: readonly Buffer[]): unknown[] {
  const all: unknown[] = [];
  let left: Buffer = Buffer.alloc(0);
  for (const piece of pieces) {
    const bytes = Buffer.concat([left, piece]);
    let position = 0;
    for (;;) {
      const event = parser.next(bytes, position, bytes.length);
      const text = bytes.toString('latin1', position, parser.position);
      position = parser.position;
      if (event === HttpEvent.More) break;
      if (event === HttpEvent.Head) all.push(summary(parser.head));
      else if (event === HttpEvent.Failed) all.push(parser.status);
      else if (event === HttpEvent.End) all.push(parser.trailers);
      else all.push(text);
    }
    left = Buffer.from(bytes.subarray(position));
    bytes.fill(0xee);
  }
  all.push(left.length);
  return all;
}

/** Makes a parser with these limits know the heads. */
function teach(limits: HttpLimits, ...heads: readonly Buffer[]): void {
  for (const bytes of heads) found(new HttpParser(limits), [bytes]);
}

function checkSame(known: HttpLimits, pieces: readonly Buffer[]): void {
  const expected = found(new HttpParser(freshLimits(known)), pieces);
  assert.deepEqual(found(new HttpParser(known), pieces), expected);
}

const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1');
const agent = `X: ${'y'.repeat(200)}\r\n`;
const bases = [
  'GET /plaintext HTTP/1.1\r\nHost: a\r\n\r\n',
  `GET /a?b=c HTTP/1.1\r\nHost: example:80\r\n${agent}Connection: keep-alive\r\n\r\n`,
  `POST /e HTTP/1.1\r\n${agent}Host: a\r\nContent-Length: 3\r\n\r\nabc`,
  `POST /e HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`,
  `PUT /e HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx`,
  'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET http://h:1/json?x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
].map(bytesOf);

describe('heads that are known', () => {
  for (const base of bases) {
    const name = JSON.stringify(base.toString('latin1').slice(0, 40));
    test(`${name}: the same again, in pieces, and with any byte changed`, () => {
      const limits = freshLimits();
      teach(limits, base);
      for (let place = 0; place < base.length; place++) {
        checkSame(limits, cut(Buffer.concat([base, base]), [place]));
        for (const byte of [0, 0x0a, 0x0d, 0x20, 0x3a, (base[place] as number) ^ 1]) {
          const other = Buffer.from(base);
          other[place] = byte;
          checkSame(limits, [other]);
          checkSame(limits, [base, other]);
        }
      }
    });
  }

  test('of good cases make no other case better or worse', () => {
    for (const good of goodCases) {
      for (const other of [...goodCases, ...badCases]) {
        const limits = freshLimits();
        teach(limits, good.bytes);
        checkSame(limits, [other.bytes]);
      }
    }
  });

  test('are exchanged for those that come more often, while every head stays what it is', () => {
    const limits = freshLimits();
    const heads = fc.array(fc.constantFrom(...bases), { minLength: 1, maxLength: 40 });
    const places = fc.array(fc.nat(2_000), { maxLength: 8 });
    fc.assert(
      fc.property(heads, places, (chosen, at) => checkSame(limits, cut(Buffer.concat(chosen), at))),
      { numRuns: 200 },
    );
  });
});

describe('what is known of a head', () => {
  const head = (version: string, ...lines: readonly string[]): Buffer =>
    bytesOf(`POST /path HTTP/1.${version}\r\nHost: a\r\n${lines.join('')}\r\n`);

  test('holds for the same limits only', () => {
    const bytes = head('1', 'X: y\r\n', 'Content-Length: 5\r\n');
    const wide = freshLimits();
    teach(wide, bytes, bytes);
    const tight: readonly Partial<HttpLimits>[] = [
      { methodLengthMax: 3 },
      { targetLengthMax: 4 },
      { headersLengthMax: 20 },
      { headerCountMax: 2 },
      { bodyLengthMax: 4 },
    ];
    const statuses = tight.map((given) => found(new HttpParser(freshLimits(given)), [bytes])[0]);
    assert.deepEqual(statuses, [501, 414, 431, 431, 413]);
    checkSame(wide, [bytes]);
  });

  test('depends on the version of its request line', () => {
    const lines = ['Expect: 100-continue\r\n', 'Content-Length: 1\r\n'];
    const chunked = 'Transfer-Encoding: chunked\r\n';
    for (const [first, second] of ['01', '10']) {
      const limits = freshLimits();
      teach(limits, head(first as string, ...lines));
      checkSame(limits, [head(second as string, ...lines)]);
      teach(limits, head(first as string, chunked));
      checkSame(limits, [head(second as string, chunked)]);
    }
  });

  test('stays with a head whose parser has not gone on', () => {
    const limits = freshLimits();
    const first = new HttpParser(limits);
    found(first, [head('1', 'X: first\r\n')]);
    const expected = summaryOfTexts(first.head);
    for (let count = 0; count < 300; count++) {
      teach(limits, bytesOf(`GET /other HTTP/1.1\r\nHost: b\r\nX: ${count >> 7}\r\n\r\n`));
    }
    assert.deepEqual(summaryOfTexts(first.head), expected);
    assert.deepEqual(expected, ['/path', 'a', 'Host: a\r\nX: first\r\n']);
  });

  test('is its text already, and not more of it than is worth its memory', () => {
    const known = (target: string, value: string): readonly boolean[] => {
      const limits = freshLimits();
      const bytes = bytesOf(`GET /${target} HTTP/1.1\r\nHost: a\r\nX: ${value}\r\n\r\n`);
      const [first, second] = [new HttpParser(limits), new HttpParser(limits)];
      for (const parser of [first, second]) {
        assert.equal(parser.next(bytes, 0, bytes.length), HttpEvent.Head);
      }
      assert.equal(first.head.line, second.head.line);
      assert.equal(first.head.headers, second.head.headers);
      return [first.head.line !== null, first.head.headers !== null];
    };
    assert.deepEqual(known('a', 'b'), [true, true]);
    assert.deepEqual(known('a'.repeat(2_000), 'b'), [false, true]);
    assert.deepEqual(known('a', 'b'.repeat(5_000)), [true, false]);
    // What one client alone may know is compared with nobody else's.
    for (const name of ['Cookie', 'AUTHORIZATION', 'proxy-authorization']) {
      assert.deepEqual(known('a', `b\r\n${name}: secret`), [true, false]);
    }
    assert.deepEqual(known('a', 'b\r\nX-Cookie: none'), [true, true]);
  });

  test('is not used behind empty lines, nor where the line came before its headers', () => {
    const limits = freshLimits();
    const bytes = head('1');
    teach(limits, bytes);
    const line = bytes.indexOf('\n') + 1;
    checkSame(limits, [bytesOf('\r\n'), bytes]);
    checkSame(limits, [Buffer.concat([bytesOf('\r\n\r\n'), bytes])]);
    checkSame(limits, cut(bytes, [line]));
    checkSame(limits, cut(bytes, [line - 1, line + 1]));
  });
});

/** Without what stands in bytes that others use by now. */
function summaryOfTexts(head: HttpHead): readonly string[] {
  return [head.targetText(), head.hostText(), head.headersText()];
}
