import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pipePath } from './pipe-path.ts';

test('Linux: a path is itself, an abstract name begins with a zero byte', () => {
  assert.equal(pipePath('/run/app.sock', 'linux'), '/run/app.sock');
  assert.equal(pipePath('./app.sock', 'linux'), './app.sock');
  assert.equal(pipePath('@app', 'linux'), '\0app');
});

test('Windows: a path is the pipe of the whole path, an abstract name that of the name', () => {
  for (const [path, pipe] of [
    ['C:\\run\\app.sock', '\\\\?\\pipe\\C:\\run\\app.sock'],
    ['C:/run/../app.sock', '\\\\?\\pipe\\C:\\app.sock'],
    ['./C:\\run\\app.sock', '\\\\?\\pipe\\C:\\run\\app.sock'],
    ['\\\\.\\pipe\\app', '\\\\.\\pipe\\app'],
    ['./\\\\.\\pipe\\app', '\\\\.\\pipe\\app'],
    ['\\\\?\\pipe\\app', '\\\\?\\pipe\\app'],
    ['//./PIPE/app', '//./PIPE/app'],
    ['@app', '\\\\.\\pipe\\app'],
  ] as const) {
    assert.equal(pipePath(path, 'win32'), pipe);
  }
  // What is no pipe becomes the name of one, or nobody could listen there.
  assert.equal(pipePath('\\\\host\\share\\a.sock', 'win32'), '\\\\?\\pipe\\host\\share\\a.sock');
  const relative = pipePath('./app.sock', 'win32');
  assert.match(relative, /^\\\\\?\\pipe\\.*\\app\.sock$/);
  assert.equal(pipePath('app.sock', 'win32'), relative);
});

test('other systems have no abstract names, and say so', () => {
  assert.equal(pipePath('./@app', 'darwin'), './@app');
  assert.throws(() => pipePath('@app', 'darwin'), {
    code: 'ErrInvalidNetworkAddress',
    message: /no abstract names, only Linux does; use a path/,
  });
});
