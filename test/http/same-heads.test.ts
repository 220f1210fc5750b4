/** Answers whose heads are alike, and such whose are nearly so: each has its own. */
import assert from 'node:assert/strict';
import { STATUS_CODES } from 'node:http';
import { describe, test } from 'node:test';
import { exchange, startHttp } from './http-rig.ts';

interface Kind {
  readonly answer: () => Response | Promise<Response>;
  readonly method?: string;
  readonly version?: string;
  readonly status?: number;
  readonly statusText?: string;
  /** Beside `content-length`, which the body tells, and `date`. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** When it has none. */
  readonly length?: string | null;
}

const textType = { 'content-type': 'text/plain;charset=UTF-8' };
const json = { 'content-type': 'application/json' };
const latin1 = (text: string): string => Buffer.from(text).toString('latin1');
const text = (body: string): Kind => ({
  answer: () => new Response(body),
  headers: textType,
  body: latin1(body),
});
const given = (init: ResponseInit, body: string | null = 'given'): Kind => ({
  answer: () => new Response(body, init),
  status: init.status ?? 200,
  headers: { ...(body !== null && textType), ...(init.headers as Record<string, string>) },
  body: body ?? '',
});

const kinds: readonly Kind[] = [
  ...['', 'a', 'b'.repeat(9), 'c'.repeat(10), 'd'.repeat(99), 'e'.repeat(100)].map(text),
  // Their length in bytes has more digits than that in characters.
  ...['\u00e4'.repeat(5), '\u20ac'.repeat(40), '\u{1f600}'.repeat(3_000), '\ud800'].map(text),
  ...['f'.repeat(19_000), 'g'.repeat(30_000), '\u20ac'.repeat(30_000)].map(text),
  ...[1, 50, 2_000, 61_000, 65_000].map(
    (length): Kind => ({
      answer: () => new Response(new Uint8Array(length).fill(0x68)),
      body: 'h'.repeat(length),
    }),
  ),
  { answer: () => new Response(null), body: '' },
  { answer: async () => Response.json({ a: 1 }), headers: json, body: '{"a":1}' },
  { answer: () => new Response('HEAD'), method: 'HEAD', headers: textType, length: '4' },
  {
    answer: () => new Response(new Blob(['HEAD']).stream()),
    method: 'HEAD',
    length: null,
  },
  {
    answer: () => new Response('old'),
    version: '0\r\nConnection: keep-alive',
    headers: { ...textType, connection: 'keep-alive' },
    body: 'old',
  },
  given({ status: 404 }),
  { ...given({ status: 404, statusText: 'Nowhere' }), statusText: 'Nowhere' },
  given({ headers: { x: '1' } }),
  given({ headers: { x: '2' } }),
  given({ headers: { x: '1', y: '2' } }),
  given({ headers: { x: '1' } }, null),
  given({ headers: json }),
  given({ headers: { upgrade: 'other', connection: 'Upgrade' } }),
  { ...given({ status: 204 }, null), length: null },
  { ...given({ status: 304 }, null), length: null },
  given({ status: 205 }, null),
  {
    answer() {
      const response = new Response('touched');
      response.headers.set('x', 'late');
      return response;
    },
    headers: { ...textType, x: 'late' },
    body: 'touched',
  },
  {
    answer: () => new Response('dated', { headers: { date: 'never' } }),
    headers: { ...textType, date: 'never' },
    body: 'dated',
  },
  {
    answer: () => new Response('own', { headers: { 'content-length': '99' } }),
    headers: textType,
    body: 'own',
  },
];

describe('the head of an answer', () => {
  test('is its own, whatever was answered before', async (t) => {
    const chosen: number[] = [];
    for (let first = 0; first < kinds.length; first++) {
      for (let second = first; second < kinds.length; second++) chosen.push(first, second);
    }
    // In front of the last of all.
    chosen.push(0);
    const rig = await startHttp(t, (request) => {
      const { pathname } = new URL(request.url);
      return (kinds[Number(pathname.slice(1))] as Kind).answer();
    });
    const line = (kind: number): string => {
      const { method = 'GET', version = '1' } = kinds[kind] as Kind;
      return `${method} /${kind} HTTP/1.${version}\r\nHost: a\r\n\r\n`;
    };
    const last = 'GET /0 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
    const reader = await exchange(t, rig, chosen.map(line).join('') + last);
    for (const [at, index] of chosen.entries()) {
      const kind = kinds[index] as Kind;
      const answer = reader.next(kind.method !== 'HEAD');
      const told = `answer ${at}, of kind ${index}`;
      assert.equal(answer.status, kind.status ?? 200, told);
      assert.equal(answer.statusText, kind.statusText ?? STATUS_CODES[answer.status], told);
      assert.equal(answer.body, kind.body ?? '', told);
      const headers = Object.fromEntries(answer.headers);
      const length = kind.length === undefined ? `${answer.body.length}` : kind.length;
      assert.match(headers['date'] ?? '', / GMT$|^never$/, told);
      const expected = {
        ...(length !== null && { 'content-length': length }),
        date: headers['date'],
        ...kind.headers,
      };
      assert.deepEqual(headers, expected, told);
    }
    assert.equal(reader.next().headers.get('connection'), 'close');
    assert.equal(reader.rest, '');
    assert.deepEqual(rig.errors, []);
  });
});
