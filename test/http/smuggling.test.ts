/**
 * Bytes that two servers understand differently, so that a request can be smuggled past one of them: a
 * case for each class of fault that HTTP Garden has found in servers and proxies.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { exchange, startHttp } from './http-rig.ts';

const HOST = 'Host: a\r\n';
const POST = `POST / HTTP/1.1\r\n${HOST}`;
const CHUNKED = `${POST}Transfer-Encoding: chunked\r\n\r\n`;
const SMUGGLED = `GET /smuggled HTTP/1.1\r\n${HOST}\r\n`;

const get = (lines: string): string => `GET / HTTP/1.1\r\n${HOST}${lines}\r\n${SMUGGLED}`;
const withLength = (length: string): string => `${POST}Content-Length:${length}\r\n\r\n${SMUGGLED}`;
const inChunks = (body: string): string => `${CHUNKED}${body}${SMUGGLED}`;

const LAST_CHUNK = '0\r\n\r\n';

/** Each is refused with 400, and nothing behind it is looked at. */
const refused: Readonly<Record<string, string>> = {
  'a request line that ends with a bare LF': `GET / HTTP/1.1\n${HOST}\r\n`,
  'a line feed between target and version': `GET /\nHTTP/1.1\r\n${HOST}\r\n`,
  'a version with more digits': `GET / HTTP/1.10\r\n${HOST}\r\n`,
  'a version behind carriage returns': `GET / HTTP/\r1.1\r\n${HOST}\r\n`,
  'a method of separators': `GET(x) / HTTP/1.1\r\n${HOST}\r\n`,
  'a method that begins with zero': `\0GET / HTTP/1.1\r\n${HOST}\r\n`,
  'a target that is none': `GET ? HTTP/1.1\r\n${HOST}\r\n`,
  'a head without a host': `GET / HTTP/1.1\r\n\r\n`,
  'a zero in a host': `GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n`,
  'bytes above ASCII in a host': `GET / HTTP/1.1\r\nHost: \xe9a\r\n\r\n`,
  'a zero in a value': get('X: a\0b\r\n'),
  'a carriage return in a value': get('X: a\rb\r\n'),
  'a carriage return that would begin a header': get('X: a\rContent-Length: 9\r\n'),
  'a line feed in a value': get('X: a\nContent-Length: 9\r\n'),
  'a blank before the colon': get('Content-Length : 9\r\n'),
  'a blank in front of the first name': `GET / HTTP/1.1\r\n\tContent-Length: 9\r\n${HOST}\r\n`,
  'a value that goes on in the next line': get('X: a\r\n Content-Length: 9\r\n'),
  'a name that goes on in the next line': get('Content-\r\nLength: 9\r\n'),
  'a name above ASCII': get('\xefX: a\r\n'),
  'a blank of Latin-1 behind a name': get('Content-Length\xa0: 9\r\n'),
  'a control character in a name': get('X\x01: a\r\n'),
  'an empty name': get(': a\r\n'),
  'no colon': get('Content-Length 9\r\n'),
  'an end of the head without a line feed': `GET / HTTP/1.1\r\n${HOST}\r\rX${SMUGGLED}`,
  'an empty length': withLength(' '),
  'a length with a sign': withLength(' +9'),
  'a negative length': withLength(' -9'),
  'a length with an underscore': withLength(' 1_0'),
  'a length in hexadecimal': withLength(' 0x9'),
  'a length with letters behind it': withLength(' 9a'),
  'a length between blanks of Latin-1': withLength(' \xa09\xa0'),
  'two lengths': withLength(' 0\r\nContent-Length: 9'),
  'an empty length before another': withLength(' \r\nContent-Length: 9'),
  'a length beside chunks': `${POST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n${LAST_CHUNK}`,
  'a length beside an empty coding': `${POST}Transfer-Encoding: ,chunked\r\nContent-Length: 5\r\n\r\n${LAST_CHUNK}`,
  'chunks twice': `${POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n${LAST_CHUNK}`,
  'chunks for HTTP/1.0': `POST / HTTP/1.0\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n${LAST_CHUNK}`,
  'no size': inChunks('\r\n\r\n'),
  'a size with a prefix': inChunks(`0x1\r\na\r\n${LAST_CHUNK}`),
  'a size with a sign': inChunks(`-0\r\n\r\n`),
  'a size with an underscore': inChunks(`1_0\r\na\r\n${LAST_CHUNK}`),
  'a size with letters behind it': inChunks(`1x\r\na\r\n${LAST_CHUNK}`),
  'a blank before a size': inChunks(` 1\r\na\r\n${LAST_CHUNK}`),
  'a size that ends with a bare LF': inChunks(`1\na\r\n${LAST_CHUNK}`),
  'a size that ends with a bare CR': inChunks(`1\rxa\r\n${LAST_CHUNK}`),
  'a carriage return before an extension': inChunks(`1\r;x\r\na\r\n${LAST_CHUNK}`),
  'a carriage return in an extension': inChunks(`1;a=b\r\rx\r\na\r\n${LAST_CHUNK}`),
  'a chunk that ends with a bare LF': inChunks(`1\r\na\n${LAST_CHUNK}`),
  'a chunk that ends with other bytes': inChunks(`1\r\naxx${LAST_CHUNK}`),
  'an empty line between chunks': inChunks(`1\r\na\r\n\r\n${LAST_CHUNK}`),
  'a last chunk without its line': inChunks('0\r\nX'),
};

describe('a request that may be understood in two ways', () => {
  test('is refused, with all that is behind it', async (t) => {
    const seen: string[] = [];
    const rig = await startHttp(t, async (request) => {
      seen.push(new URL(request.url).pathname);
      return new Response(await request.text());
    });
    for (const [name, text] of Object.entries(refused)) {
      const answers = await exchange(t, rig, text);
      const { status, headers } = answers.next();
      assert.deepEqual([status, headers.get('connection')], [400, 'close'], name);
      assert.equal(answers.rest, '', name);
    }
    assert.ok(!seen.includes('/smuggled'));
  });

  test('has a coding that nobody knows: 501', async (t) => {
    const rig = await startHttp(t, () => new Response('taken'));
    for (const coding of ['unknown', '\xa0chunked\xa0', 'xchunked', '"chunked"', 'chunked;a']) {
      const text = `${POST}Transfer-Encoding: ${coding}\r\n\r\n${LAST_CHUNK}`;
      const { status } = (await exchange(t, rig, text)).next();
      assert.ok(status === 501 || status === 400, `${coding}: ${status}`);
    }
  });

  test('is taken where all agree, and its values are those that were sent', async (t) => {
    const rig = await startHttp(t, async (request) => {
      return Response.json([await request.text(), request.headers.get('x')]);
    });
    const ask = async (text: string) => {
      const { status, body } = (await exchange(t, rig, text)).next();
      assert.equal(status, 200, text);
      return JSON.parse(Buffer.from(body, 'latin1').toString()) as unknown;
    };
    const end = 'Connection: close\r\n';
    assert.deepEqual(await ask(`${POST}${end}Content-Length: 03\r\n\r\nabc`), ['abc', null]);
    const empty = `${POST}${end}Transfer-Encoding: ,chunked\r\n\r\n1\r\na\r\n${LAST_CHUNK}`;
    assert.deepEqual(await ask(empty), ['a', null]);
    // Blanks are space and tab, whatever else JavaScript takes for one.
    const blanks = await ask(`GET / HTTP/1.1\r\n${HOST}${end}X: \t\x85\xa0a\xa0\x85\t \r\n\r\n`);
    assert.deepEqual(blanks, ['', '\x85\xa0a\xa0\x85']);
  });
});
