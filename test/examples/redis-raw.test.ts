/** Bytes as no well-behaved client sends them, beside redis-server: every byte of the answers is compared. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type NetConnectOpts } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { missing } from '../support/outside-client.ts';
import { type RedisServerProcess, startRedisServer } from './redis-server.ts';
import { type RunningExample, spawnExample } from './spawn-example.ts';

/** Without a line end behind it: with one, how much redis-server has read by then would decide. */
const TOO_LONG = 'a'.repeat(66_000);
const QUIT = '*1\r\n$4\r\nQUIT\r\n';

function array(...words: string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`;
}

/** Whatever comes until the end, after these bytes and QUIT. */
async function ask(target: NetConnectOpts, bytes: string): Promise<string> {
  const socket = connect(target);
  const pieces: Buffer[] = [];
  socket.on('data', (piece: Buffer) => pieces.push(piece));
  // A server that closes with bytes unread resets: what it answered has arrived by then, or not.
  socket.on('error', () => {});
  socket.write(Buffer.from(bytes === TOO_LONG ? bytes : bytes + QUIT, 'latin1'));
  await once(socket, 'close');
  return Buffer.concat(pieces).toString('latin1');
}

const cases: readonly (readonly [name: string, bytes: string])[] = [
  ['an unknown command', array('NONSENSE')],
  ['an unknown command with arguments', array('nonsense', 'a', 'b c', '')],
  ['a long unknown command', array('x'.repeat(300), 'y'.repeat(100), 'z'.repeat(100), 'more')],
  ['an unknown inline command', 'nonsense a b\r\n'],
  ['an unknown command with line ends in it', array('a\r\nb', 'c\nd')],
  ['an empty name', array('')],
  ['too few arguments', array('GET') + array('SET', 'a') + array('lrange', 'a')],
  ['too many arguments', array('GET', 'a', 'b') + array('PING', 'a', 'b')],
  ['empty arrays', '*0\r\n*-1\r\nPING\r\n'],
  ['empty lines', '\r\n\n  \r\nPING\r\n'],
  ['inline commands in quotes', 'SET "a b" "\\x41\\n\\"" \nGET \'a b\'\r\n'],
  ['unbalanced quotes', 'PING\r\nGET "a\r\nPING\r\n'],
  ['quotes without a blank behind them', 'GET "a"b\r\n'],
  ['a length that is none', '*x\r\n'],
  ['no length', '*\r\n'],
  ['many digits', `*${'1'.repeat(30)}\r\n`],
  ['a length with a plus sign', '*+1\r\n'],
  ['something else than a bulk string', '*1\r\n:5\r\n'],
  ['a line end instead of a bulk string', '*1\r\n\r\nPING\r\n'],
  ['a negative bulk length', '*1\r\n$-1\r\n'],
  ['a bulk length that is none', '*1\r\n$abc\r\n'],
  ['no bulk length', '*1\r\n$\r\n'],
  ['a bulk length with a leading zero', '*1\r\n$04\r\nPING\r\n'],
  ['a long line instead of a length', `*${'1'.repeat(66_000)}`],
  ['an inline command that is too long', TOO_LONG],
  ['a request from a browser', 'POST / HTTP/1.1\r\nHost: a\r\n\r\nFLUSHALL\r\n'],
  ['a request with its host', 'GET / HTTP/1.1\r\nHost: a\r\n\r\nFLUSHALL\r\n'],
  ['what a browser sends as an array', array('post', 'x') + array('PING')],
  [
    'values of one kind asked for as another',
    array('DEL', 'l') +
      array('LPUSH', 'l', 'a') +
      array('GET', 'l') +
      array('HGET', 'l', 'f') +
      array('INCR', 'l') +
      array('SADD', 'l', 'a') +
      array('SET', 'l', 'x', 'GET') +
      array('DEL', 'l'),
  ],
  [
    'bad options',
    array('SET', 'o', '1', 'EX') +
      array('SET', 'o', '1', 'EX', 'a') +
      array('SET', 'o', '1', 'EX', '0') +
      array('EXPIRE', 'o', '1', 'NX', 'GT') +
      array('EXPIRE', 'o', '1', 'GT', 'LT') +
      array('EXPIRE', 'o', '1', 'foo'),
  ],
  [
    'bad numbers',
    array('SET', 'n', 'x') +
      array('INCR', 'n') +
      array('INCRBY', 'n', 'x') +
      array('LPOP', 'n', '-1') +
      array('SELECT', 'x') +
      array('SELECT', '99') +
      array('DEL', 'n'),
  ],
  [
    'overflow',
    array('SET', 'n', '9223372036854775807') +
      array('INCR', 'n') +
      array('DECRBY', 'n', '-1') +
      array('DECRBY', 'n', '-9223372036854775808') +
      array('DEL', 'n'),
  ],
  [
    'HELLO that asks for too much',
    array('HELLO', '4') + array('HELLO', 'x') + array('HELLO', '3', 'foo'),
  ],
  [
    'HELLO with a wrong user',
    array('HELLO', '3', 'AUTH', 'nobody', 'x') +
      array('AUTH', 'x') +
      array('AUTH', 'nobody', 'x') +
      array('AUTH', 'default', 'x'),
  ],
  [
    'names',
    array('HELLO', '2', 'SETNAME', 'a b') +
      array('CLIENT', 'SETNAME', 'a b') +
      array('CLIENT', 'SETNAME', 'ab') +
      array('CLIENT', 'GETNAME') +
      array('CLIENT', 'NONSENSE', 'x'),
  ],
  [
    'nulls, maps and sets of RESP3',
    `${array('SELECT', '0')}${array('DEL', 'none', 'h', 's', 'z', 'l')}HELLO x\r\n${array('GET', 'none')}`,
  ],
  [
    'channels',
    array('SUBSCRIBE', 'a', 'b', 'a') +
      array('GET', 'x') +
      array('PING') +
      array('PING', 'x') +
      array('UNSUBSCRIBE', 'a') +
      array('UNSUBSCRIBE') +
      array('UNSUBSCRIBE') +
      array('PING'),
  ],
  [
    'a scan with a bad cursor',
    array('SCAN', 'x') +
      array('SCAN', '0', 'COUNT', '0') +
      array('SCAN', '0', 'MATCH') +
      array('SCAN', '0', 'nonsense', '1'),
  ],
  ['a reset', array('SELECT', '3') + array('RESET') + array('CLIENT', 'GETNAME')],
];

/** After HELLO 3, whose answer holds a version and a number of the connection. */
const casesOfThree: readonly (readonly [name: string, bytes: string])[] = [
  [
    'nulls',
    array('GET', 'none') +
      array('LPOP', 'none') +
      array('LPOP', 'none', '1') +
      array('MGET', 'none') +
      array('HGET', 'none', 'f') +
      array('SPOP', 'none') +
      array('ZSCORE', 'none', 'm'),
  ],
  [
    'maps',
    array('HSET', 'h3', 'f', 'v') +
      array('HGETALL', 'h3') +
      array('HGETALL', 'none') +
      array('CONFIG', 'GET', 'databases') +
      array('DEL', 'h3'),
  ],
  [
    'sets',
    array('SADD', 's3', 'm') +
      array('SMEMBERS', 's3') +
      array('SMEMBERS', 'none') +
      array('SPOP', 's3', '2') +
      array('SPOP', 's3'),
  ],
  [
    'doubles',
    array('ZADD', 'z3', '1.5', 'a', '2', 'b', '-inf', 'c') +
      array('ZSCORE', 'z3', 'a') +
      array('ZRANGE', 'z3', '0', '-1', 'WITHSCORES') +
      array('ZPOPMIN', 'z3') +
      array('ZPOPMIN', 'z3', '2') +
      array('ZPOPMIN', 'z3'),
  ],
  [
    'pushes',
    array('SUBSCRIBE', 'c3') +
      array('PING') +
      array('PUBLISH', 'c3', 'hi') +
      array('GET', 'none') +
      array('UNSUBSCRIBE') +
      array('UNSUBSCRIBE'),
  ],
];

describe('raw bytes', { skip: missing('redis-server') }, () => {
  let theirs: RedisServerProcess;
  let ours: RunningExample;
  before(async () => {
    theirs = await startRedisServer();
    ours = await spawnExample('examples/redis.ts');
  });
  after(async () => {
    await Promise.all([theirs?.stop(), ours?.stop()]);
  });

  async function compare(bytes: string, withoutHello: boolean): Promise<void> {
    const [expected, actual] = await Promise.all([
      ask({ path: theirs.path }, bytes),
      ask({ port: ours.port, host: '127.0.0.1' }, bytes),
    ]);
    const rest = (text: string): string =>
      withoutHello ? text.slice(text.indexOf('modules')) : text;
    assert.equal(rest(actual), rest(expected));
  }

  for (const [name, bytes] of cases) test(name, () => compare(bytes, false));
  for (const [name, bytes] of casesOfThree) {
    test(`${name} in RESP3`, () => compare(array('HELLO', '3') + bytes, true));
  }
});
