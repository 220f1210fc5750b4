import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { HttpCodec } from '../../examples/http/codec.ts';
import { RequestKind } from '../../examples/http/request.ts';
import { ByteSource, cut, everyCut } from 'gnet/testing';
import { badCases, cutPipelines, goodCases, type HttpCase } from '../../testing/http-corpus.ts';

interface Seen {
  readonly method: string;
  readonly target: string;
  readonly keepAlive: boolean;
  readonly host: string | undefined;
  readonly body: string;
}

interface Result {
  readonly requests: Seen[];
  readonly continues: number;
  readonly status: number | undefined;
  readonly left: number;
}

function run(pieces: readonly Buffer[]): Result {
  const codec = new HttpCodec();
  const source = new ByteSource();
  const requests: Seen[] = [];
  let continues = 0;
  let status: number | undefined;
  for (const piece of pieces) {
    source.receive(piece);
    for (let frame = codec.decode(source); frame !== null; frame = codec.decode(source)) {
      assert.ok(frame.length > 0 && codec.batch.isFresh);
      for (let index = 0; index < codec.batch.count; index++) {
        const request = codec.batch.at(index);
        assert.equal(status, undefined, 'nothing is parsed after a malformed request');
        if (request.kind === RequestKind.WantsContinue) continues++;
        else if (request.kind === RequestKind.Malformed) status = request.status;
        else {
          requests.push({
            method: request.head.methodText(),
            target: request.head.targetText(),
            keepAlive: request.keepAlive,
            host: request.head.header('host'),
            body: request.body().toString('latin1'),
          });
        }
      }
    }
  }
  return { requests, continues, status, left: source.bufferLength() };
}

function check(result: Result, expected: HttpCase): void {
  assert.equal(result.status, expected.status);
  assert.equal(result.left, 0);
  assert.deepEqual(
    result.requests.map(({ method, target, keepAlive, body }) => ({
      method,
      target,
      keepAlive,
      body,
    })),
    expected.requests.map((request) => ({ keepAlive: true, body: '', ...request })),
  );
}

describe('HttpCodec', () => {
  for (const one of [...goodCases, ...badCases]) {
    test(`${one.status ?? 'takes'}: ${one.name}, in one piece, cut anywhere, byte by byte`, () => {
      for (const pieces of everyCut(one.bytes)) check(run(pieces), one);
    });
  }

  test('pipelines of whole requests cut at random places give the same requests', () => {
    fc.assert(
      fc.property(cutPipelines(), ({ expected, pieces }) => check(run(pieces), expected)),
      { numRuns: 3_000 },
    );
  });

  test('whatever comes, it ends in requests or one status and throws nothing', () => {
    const alphabet = fc.constantFrom(
      ...[
        'GET ',
        'POST ',
        '/',
        ' HTTP/1.1',
        '\r\n',
        '\r',
        '\n',
        ':',
        ' ',
        'Host: a',
        '\0',
        '5',
        '0',
      ],
      ...['Content-Length: 5', 'Transfer-Encoding: chunked', 'Expect: 100-continue', ';', 'hello'],
    );
    const text = fc.array(alphabet, { maxLength: 40 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(text, fc.array(fc.nat(200), { maxLength: 5 }), (input, cuts) => {
        const bytes = Buffer.from(input, 'latin1');
        const whole = run([bytes]);
        const pieces = run(cut(bytes, cuts));
        assert.deepEqual(pieces.requests, whole.requests);
        assert.equal(pieces.status, whole.status);
      }),
      { numRuns: 3_000 },
    );
  });

  test('more requests than a batch holds come in several batches', () => {
    const one = Buffer.from('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
    const result = run([Buffer.concat(Array.from({ length: 200 }, () => one))]);
    assert.equal(result.requests.length, 200);
    assert.equal(result.left, 0);
  });

  test('100-continue is wished for only while the body is missing', () => {
    const head = Buffer.from(
      'POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n',
    );
    const apart = run([head, Buffer.from('ab'), Buffer.from('c')]);
    assert.equal(apart.continues, 1);
    assert.equal(apart.requests[0]?.body, 'abc');
    assert.equal(run([Buffer.concat([head, Buffer.from('abc')])]).continues, 0);
    assert.equal(run([Buffer.concat([head, Buffer.from('a')]), Buffer.from('bc')]).continues, 0);
    const old = head.toString().replace('HTTP/1.1', 'HTTP/1.0');
    assert.equal(run([Buffer.from(old), Buffer.from('abc')]).continues, 0);
  });

  test('after the last request of a connection everything is dropped', () => {
    const codec = new HttpCodec();
    const source = new ByteSource();
    source.receive(Buffer.from('GET / HTTP/1.0\r\n\r\nGET'));
    assert.notEqual(codec.decode(source), null);
    source.receive(Buffer.from(' /more HTTP/1.0\r\n\r\n'));
    assert.equal(codec.decode(source), null);
    assert.equal(source.bufferLength(), 0);
  });
});
