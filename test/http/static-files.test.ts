import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { staticFiles } from 'gnet/http';
import { assertNoNewDescriptors, openDescriptors } from '../support/descriptors.ts';
import { temporaryDirectory, type TestScope } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';
import { ask, rawClient, startHttp } from './http-rig.ts';

const large = Buffer.alloc(1_000_000, 'content of a large file\n');
const modified = new Date('2026-01-02T03:04:05Z');

async function start(t: TestScope, options = {}) {
  const outside = temporaryDirectory(t);
  const folder = join(outside, 'public');
  mkdirSync(join(folder, 'sub'), { recursive: true });
  writeFileSync(join(outside, 'secret.txt'), 'secret');
  writeFileSync(join(folder, 'a b.txt'), 'small');
  writeFileSync(join(folder, 'empty.css'), '');
  writeFileSync(join(folder, '.hidden'), 'hidden');
  writeFileSync(join(folder, 'large.bin'), large);
  writeFileSync(join(folder, 'sub', 'index.html'), '<p>index</p>');
  symlinkSync(join(outside, 'secret.txt'), join(folder, 'link.txt'));
  symlinkSync(join(folder, 'a b.txt'), join(folder, 'inside.txt'));
  utimesSync(join(folder, 'a b.txt'), modified, modified);
  return startHttp(t, staticFiles(folder, options));
}

test('files have their bytes, type and dates', async (t) => {
  const rig = await start(t, { maxAge: 60 });
  const get = (path: string, lines = '') => ask(t, rig, `GET ${path} HTTP/1.1\r\n${lines}\r\n`);
  const small = await get('/a%20b.txt');
  assert.equal(`${small.status} ${small.body}`, '200 small');
  assert.equal(small.headers.get('content-type'), 'text/plain; charset=utf-8');
  assert.equal(small.headers.get('last-modified'), modified.toUTCString());
  assert.equal(small.headers.get('cache-control'), 'public, max-age=60');
  assert.equal((await get('/inside.txt')).body, 'small');
  const all = await get('/large.bin');
  assert.equal(all.headers.get('content-length'), String(large.length));
  assert.ok(Buffer.from(all.body, 'latin1').equals(large));
  const empty = await get('/empty.css');
  assert.equal(`${empty.status} ${empty.headers.get('content-length')}`, '200 0');
  assert.equal((await get('/sub/')).body, '<p>index</p>');
  const toFolder = await get('/sub?a=b');
  assert.equal(`${toFolder.status} ${toFolder.headers.get('location')}`, '301 /sub/?a=b');
  const head = await ask(t, rig, 'HEAD /large.bin HTTP/1.1\r\n\r\n');
  assert.equal(head.headers.get('content-length'), String(large.length));
  assert.deepEqual(rig.errors, []);
});

test('nothing outside of the folder is served, whatever the path', async (t) => {
  const rig = await start(t);
  const paths = ['/../secret.txt', '/%2e%2e/secret.txt', '/..%2fsecret.txt', '/link.txt'];
  paths.push('/sub/..%5c..%5csecret.txt', '/.hidden', '/%2ehidden', '/a%00b', '/%zz', '/none');
  paths.push('//secret.txt', '/a%20b.txt/', '/', '/sub/index.html/x');
  for (const path of paths) {
    const { status, body } = await ask(t, rig, `GET ${path} HTTP/1.1\r\n\r\n`);
    assert.equal(status, 404, path);
    assert.doesNotMatch(body, /secret|hidden/);
  }
  const post = await ask(t, rig, 'POST /a%20b.txt HTTP/1.1\r\nContent-Length: 0\r\n\r\n');
  assert.equal(`${post.status} ${post.headers.get('allow')}`, '405 GET, HEAD');
  const open = await start(t, { dotfiles: true, index: false });
  assert.equal((await ask(t, open, 'GET /.hidden HTTP/1.1\r\n\r\n')).body, 'hidden');
  assert.equal((await ask(t, open, 'GET /sub/ HTTP/1.1\r\n\r\n')).status, 404);
});

test('conditions and ranges', async (t) => {
  const rig = await start(t);
  const get = (lines: string) => ask(t, rig, `GET /a%20b.txt HTTP/1.1\r\n${lines}\r\n`);
  const etag = (await get('')).headers.get('etag') as string;
  const date = modified.toUTCString();
  const before = new Date(modified.getTime() - 1_000).toUTCString();
  assert.equal((await get(`If-None-Match: "x", ${etag}\r\n`)).status, 304);
  assert.equal((await get('If-None-Match: *\r\n')).status, 304);
  assert.equal((await get('If-None-Match: "x"\r\n')).status, 200);
  assert.equal((await get(`If-None-Match: "x"\r\nIf-Modified-Since: ${date}\r\n`)).status, 200);
  assert.equal((await get(`If-Modified-Since: ${date}\r\n`)).status, 304);
  assert.equal((await get(`If-Modified-Since: ${before}\r\n`)).status, 200);
  const ranges: readonly [string, string, string | undefined][] = [
    ['bytes=1-2', '206 ma', 'bytes 1-2/5'],
    ['bytes=1-', '206 mall', 'bytes 1-4/5'],
    ['bytes=-2', '206 ll', 'bytes 3-4/5'],
    ['bytes=-9', '206 small', 'bytes 0-4/5'],
    ['bytes=2-99', '206 all', 'bytes 2-4/5'],
    ['bytes=2-1', '200 small', undefined],
    ['bytes=0-1,3-4', '200 small', undefined],
    ['lines=1-2', '200 small', undefined],
  ];
  for (const [range, expected, content] of ranges) {
    const { status, body, headers } = await get(`Range: ${range}\r\n`);
    assert.equal(`${status} ${body}`, expected, range);
    assert.equal(headers.get('content-range'), content);
  }
  const none = await get('Range: bytes=5-\r\n');
  assert.equal(`${none.status} ${none.headers.get('content-range')}`, '416 bytes */5');
  assert.equal((await get(`Range: bytes=1-2\r\nIf-Range: ${date}\r\n`)).status, 206);
  assert.equal((await get(`Range: bytes=1-2\r\nIf-Range: ${before}\r\n`)).status, 200);
  assert.equal((await get(`Range: bytes=1-2\r\nIf-Range: ${etag}\r\n`)).status, 200);
});

test('a file is sent only in the version that the client insists on', async (t) => {
  const rig = await start(t);
  const get = async (lines: string) => {
    const { status } = await ask(t, rig, `GET /a%20b.txt HTTP/1.1\r\n${lines}\r\n`);
    return status;
  };
  const earlier = new Date(modified.getTime() - 1_000).toUTCString();
  const etag = (await ask(t, rig, 'GET /a%20b.txt HTTP/1.1\r\n\r\n')).headers.get('etag');
  const expected: Readonly<Record<string, number>> = {
    'If-Match: *\r\n': 200,
    'If-Match: "other", W/"another"\r\n': 412,
    // Only a strong tag says that not a byte is different.
    [`If-Match: ${etag}\r\n`]: 412,
    [`If-Unmodified-Since: ${modified.toUTCString()}\r\n`]: 200,
    [`If-Unmodified-Since: ${earlier}\r\n`]: 412,
    'If-Unmodified-Since: never\r\n': 200,
    [`If-Match: *\r\nIf-Unmodified-Since: ${earlier}\r\n`]: 200,
    [`If-Match: *\r\nIf-None-Match: ${etag}\r\n`]: 304,
    [`If-Match: "other"\r\nIf-None-Match: ${etag}\r\n`]: 412,
  };
  for (const [lines, status] of Object.entries(expected)) {
    assert.equal(await get(lines), status, lines);
  }
});

test('what is no file is not there, and holds up nobody', {
  skip: process.platform === 'win32' && 'no FIFOs',
}, async (t) => {
  const folder = temporaryDirectory(t);
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  writeFileSync(join(folder, 'file'), 'content');
  const rig = await startHttp(t, staticFiles(folder));
  const get = (path: string) => ask(t, rig, `GET ${path} HTTP/1.1\r\n\r\n`);
  // More than the threads that open files.
  const pipes = await Promise.all(Array.from({ length: 8 }, () => get('/pipe')));
  assert.deepEqual(new Set(pipes.map(({ status }) => status)), new Set([404]));
  assert.equal((await get('/file')).body, 'content');
});

test('a client that leaves in the middle of a file leaves no file open', async (t) => {
  const rig = await start(t);
  const before = openDescriptors();
  for (let count = 0; count < 5; count++) {
    const client = await rawClient(t, rig);
    client.pauseReading();
    client.write('GET /large.bin HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(3));
    await waitUntil(() => rig.server.countConnections() === 1, 'it came');
    client.destroy();
    await waitUntil(() => rig.server.countConnections() === 0, 'it left');
  }
  await assertNoNewDescriptors(before);
});
