import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { RespCodec } from '../../examples/redis/resp-codec.ts';
import { ByteSource, cut, everyByte } from 'gnet/testing';

interface Result {
  readonly commands: string[][];
  readonly error: string | null;
  readonly left: number;
}

function run(pieces: readonly Buffer[]): Result {
  const codec = new RespCodec();
  const source = new ByteSource();
  const commands: string[][] = [];
  let error: string | null = null;
  for (const piece of pieces) {
    source.receive(piece);
    for (let frame = codec.decode(source); frame !== null; frame = codec.decode(source)) {
      const batch = codec.batch;
      assert.equal(error, null, 'nothing is parsed after an error');
      assert.ok(frame.length > 0 && batch.isFresh);
      let first = 0;
      for (let index = 0; index < batch.count; index++) {
        const end = batch.commandEnds[index] as number;
        const command: string[] = [];
        for (let at = first; at < end; at++) {
          command.push(
            batch.bytes.toString('latin1', batch.offsets[at * 2], batch.offsets[at * 2 + 1]),
          );
        }
        commands.push(command);
        first = end;
      }
      error = batch.protocolError;
    }
  }
  return { commands, error, left: source.bufferLength() };
}

function array(...words: string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`;
}

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

const good: readonly (readonly [name: string, text: string, ...commands: string[][]])[] = [
  ['one array', array('PING'), ['PING']],
  ['several arrays', array('SET', 'a', '1') + array('GET', 'a'), ['SET', 'a', '1'], ['GET', 'a']],
  [
    'binary and empty values',
    array('SET', '', '\r\n\0\xff$5\r\n'),
    ['SET', '', '\r\n\0\xff$5\r\n'],
  ],
  ['empty arrays, which are no commands', `*0\r\n${array('A')}*-1\r\n*0\r\n`, ['A']],
  ['inline commands', 'PING\r\nSET  a\t1 \nGET a\r\n', ['PING'], ['SET', 'a', '1'], ['GET', 'a']],
  ['empty lines', '\r\n\n  \r\nPING\r\n', ['PING']],
  [
    'inline between arrays',
    `${array('A', 'b')}C d\r\n${array('E')}`,
    ['A', 'b'],
    ['C', 'd'],
    ['E'],
  ],
  [
    'double quotes',
    'SET "a b" "\\x41\\n\\t\\"\\\\\\q\\xzz" ""\r\n',
    ['SET', 'a b', 'A\n\t"\\qxzz', ''],
  ],
  ['single quotes', "SET 'a \\n' 'it\\'s' x'y z'\r\n", ['SET', 'a \\n', "it's", 'xy z']],
];

const bad: readonly (readonly [error: string, text: string])[] = [
  ['invalid multibulk length', '*x\r\n'],
  ['invalid multibulk length', '*\r\n'],
  ['invalid multibulk length', '*1048577\r\n'],
  ['invalid multibulk length', '*1\rx'],
  ['invalid multibulk length', '*01\r\n'],
  ['invalid bulk length', '*1\r\n$-0\r\n'],
  ['invalid multibulk length', `*${'1'.repeat(30)}`],
  ["expected '$', got ':'", '*1\r\n:5\r\n'],
  ["expected '$', got '\n'", '*1\r\n\n'],
  ['invalid bulk length', '*1\r\n$-1\r\n'],
  ['invalid bulk length', '*1\r\n$8388609\r\n'],
  ['invalid bulk length', '*1\r\n$a\r\n'],
  ['a bulk string is longer than its length says', '*1\r\n$1\r\nabc\r\n'],
  ['too big inline request', 'a'.repeat(65_600)],
  ['unbalanced quotes in request', 'GET "a\r\n'],
  ['unbalanced quotes in request', "GET 'a\\'\r\n"],
  ['unbalanced quotes in request', 'GET "a"b\r\n'],
];

function check(text: string, commands: readonly string[][], error: string | null): void {
  const bytes = (): Buffer => latin1(text);
  const expected = { commands, error, left: 0 };
  assert.deepEqual(run([bytes()]), expected);
  if (text.length < 10_000) assert.deepEqual(run(everyByte(bytes())), expected);
  const step = text.length > 2_000 ? 4_999 : 1;
  for (let place = 1; place < text.length; place += step) {
    assert.deepEqual(run(cut(bytes(), [place])), expected);
  }
}

describe('RespCodec', () => {
  for (const [name, text, ...commands] of good) {
    test(`takes ${name}, in one piece, cut anywhere, byte by byte`, () => {
      check(text, commands, null);
    });
  }

  for (const [error, text] of bad) {
    test(`answers "${error}" to ${JSON.stringify(text.slice(0, 20))}, after what came before`, () => {
      check(text, [], error);
      check(array('SET', 'a', 'b') + text, [['SET', 'a', 'b']], error);
    });
  }

  test('pipelines of random commands cut at random places give the same commands', () => {
    const word = fc
      .string({ unit: 'binary', maxLength: 40 })
      .map((s) => latin1(s).toString('latin1'));
    const command = fc.array(word, { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(
        fc.array(command, { minLength: 1, maxLength: 20 }),
        fc.array(fc.nat(3_000), { maxLength: 8 }),
        (commands, places) => {
          const bytes = latin1(commands.map((words) => array(...words)).join(''));
          assert.deepEqual(run(cut(bytes, places)), { commands, error: null, left: 0 });
        },
      ),
      { numRuns: 3_000 },
    );
  });

  test('whatever comes, cutting it makes no difference and nothing is thrown', () => {
    const part = fc.constantFrom(
      ...[
        '*1',
        '*2',
        '$1',
        '$0',
        '\r\n',
        '\r',
        '\n',
        'a',
        '"',
        "'",
        '\\',
        ' ',
        '-',
        '*',
        '$',
        '\0',
      ],
    );
    fc.assert(
      fc.property(
        fc.array(part, { maxLength: 40 }),
        fc.array(fc.nat(80), { maxLength: 5 }),
        (parts, places) => {
          const text = parts.join('');
          const whole = run([latin1(text)]);
          const pieces = run(cut(latin1(text), places));
          assert.deepEqual(pieces.commands, whole.commands);
          assert.equal(pieces.error, whole.error);
        },
      ),
      { numRuns: 3_000 },
    );
  });

  test('more commands than a batch holds come in several batches', () => {
    const result = run([latin1(array('PING').repeat(3_000))]);
    assert.equal(result.commands.length, 3_000);
    assert.equal(result.left, 0);
  });

  test('a command of many arguments in many pieces is looked at once', () => {
    const words = Array.from({ length: 20_000 }, (_, index) => `word ${index}`);
    const bytes = latin1(array(...words));
    const pieces: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += 1_000) pieces.push(bytes.subarray(at, at + 1_000));
    assert.deepEqual(run(pieces).commands, [words]);
  });

  test('nothing is read of a long value before all of it is there', () => {
    const codec = new RespCodec();
    const source = new ByteSource();
    source.receive(latin1('*2\r\n$3\r\nGET\r\n$100\r\nabc'));
    assert.equal(codec.decode(source), null);
    source.read = () => assert.fail('read too early');
    source.receive(latin1('d'.repeat(90)));
    assert.equal(codec.decode(source), null);
  });

  test('after the end of a stream everything is dropped', () => {
    const codec = new RespCodec();
    const source = new ByteSource();
    codec.endStream(source);
    source.receive(latin1(array('PING')));
    assert.equal(codec.decode(source), null);
    assert.equal(source.bufferLength(), 0);
  });
});
