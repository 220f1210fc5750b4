import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatUnix, unixPathBytesMax } from './unix-address.ts';

test('a Unix address prints in one line, and is told from a host name', () => {
  for (const [path, printed] of [
    ['/run/Ä b.sock', '/run/Ä b.sock'],
    ['app.sock', './app.sock'],
    ['./app.sock', './app.sock'],
    ['../app.sock', '../app.sock'],
    ['.app.sock', './.app.sock'],
    ['@', '@'],
    ['@app', '@app'],
    ['@a\nb\x1b[2Jc\0', '@a\\x0ab\\x1b[2Jc\\x00'],
    ['/tmp/\x7f\x9b\u2028\u202e', '/tmp/\\x7f\\x9b\\u2028\\u202e'],
  ] as const) {
    assert.equal(formatUnix(path), printed);
  }
});

test('a path has at most 104 bytes on macOS and the BSDs', () => {
  const systems = ['darwin', 'freebsd', 'netbsd', 'openbsd', 'dragonfly'];
  assert.deepEqual([...new Set(systems.map((system) => unixPathBytesMax(system)))], [104]);
  assert.equal(unixPathBytesMax('linux'), 108);
});
