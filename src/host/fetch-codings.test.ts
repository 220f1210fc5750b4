import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import zlib from 'node:zlib';
import { codingsOfRuntime } from './fetch-codings.ts';

test('zstd is unpacked by the versions of Node that know it, and several codings only by Node', () => {
  for (const [versions, hasZstd, zstd, several] of [
    [{ undici: '6.24.1' }, true, false, true],
    [{ undici: '7.10.0' }, true, false, true],
    [{ undici: '7.11.0' }, true, true, true],
    [{ undici: '8.0.0' }, true, true, true],
    [{ undici: '8.0.0' }, false, false, true],
    [{ bun: '1.4.5' }, true, true, false],
    [{ deno: '2.9.6' }, true, false, false],
    [{}, true, false, true],
  ] as const) {
    const { names, takesSeveral } = codingsOfRuntime(versions, hasZstd);
    assert.deepEqual([names.has('zstd'), takesSeveral], [zstd, several], JSON.stringify(versions));
    assert.ok(names.has('gzip') && names.has('br'));
  }
});

test('this runtime unpacks what is said of it, and nothing else', async (t) => {
  const packed: Readonly<Record<string, Buffer>> = {
    gzip: zlib.gzipSync('text'),
    'x-gzip': zlib.gzipSync('text'),
    deflate: zlib.deflateSync('text'),
    br: zlib.brotliCompressSync('text'),
    ...('zstdCompressSync' in zlib && { zstd: zlib.zstdCompressSync('text') }),
    compress: Buffer.from('none'),
  };
  const server = http.createServer((request, response) => {
    const coding = (request.url ?? '').slice(1);
    response.writeHead(200, { 'content-encoding': coding }).end(packed[coding]);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { names } = codingsOfRuntime();
  for (const coding of Object.keys(packed)) {
    const response = await fetch(
      `http://127.0.0.1:${(server.address() as AddressInfo).port}/${coding}`,
    );
    assert.equal((await response.text()) === 'text', names.has(coding), coding);
  }
});
