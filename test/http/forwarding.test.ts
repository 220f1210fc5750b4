/** A handler that sends requests on with fetch, and answers with what comes back. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import type { TestScope } from '../support/rig.ts';
import { ask, startHttp } from './http-rig.ts';

const plain = Buffer.from('a text that is packed and unpacked\n'.repeat(1_000));
const packed: Readonly<Record<string, Buffer>> = {
  gzip: gzipSync(plain),
  deflate: deflateSync(plain),
  br: brotliCompressSync(plain),
  'gzip, br': brotliCompressSync(gzipSync(plain)),
};

/** Tells what it got, or sends a packed text. */
async function startUpstream(t: TestScope): Promise<string> {
  const server = http.createServer((request, response) => {
    const coding = decodeURIComponent((request.url ?? '').slice(1));
    const body = packed[coding];
    if (body !== undefined) {
      response.writeHead(200, { 'content-encoding': coding, 'content-length': body.length });
      response.end(body);
      return;
    }
    let text = '';
    request.setEncoding('latin1').on('data', (piece: string) => {
      text += piece;
    });
    request.on('end', () => response.end(JSON.stringify([text, request.headers])));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('a request that is sent on', () => {
  const requests: Readonly<Record<string, string>> = {
    'a length': 'Content-Length: 3\r\n\r\nabc',
    chunks: 'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
    Expect: 'Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc',
    'Keep-Alive': 'Keep-Alive: timeout=5\r\nContent-Length: 3\r\n\r\nabc',
    Upgrade:
      'Connection: upgrade, x-own\r\nX-Own: 1\r\nUpgrade: h2c\r\nContent-Length: 3\r\n\r\nabc',
    TE: 'Connection: te\r\nTE: trailers\r\nContent-Length: 3\r\n\r\nabc',
    'a connection that is none': 'Connection: a b,,"\r\nContent-Length: 3\r\n\r\nabc',
  };
  for (const [name, text] of Object.entries(requests)) {
    test(`with ${name}`, async (t) => {
      const upstream = await startUpstream(t);
      const sends: readonly ((request: Request) => Promise<Response>)[] = [
        (request) => fetch(upstream, request),
        (request) => fetch(new Request(upstream, request)),
        (request) => fetch(new Request(new Request(upstream, request))),
      ];
      for (const send of sends) {
        const rig = await startHttp(t, send);
        const answer = await ask(t, rig, `POST / HTTP/1.1\r\nX-Kept: 1\r\n${text}`);
        assert.deepEqual(rig.errors, []);
        const [body, headers] = JSON.parse(answer.body) as [string, Record<string, string>];
        // A continue is asked for, where there is one, before the body is sent.
        assert.equal(body, 'abc');
        assert.equal(headers['x-kept'], '1');
        for (const gone of ['upgrade', 'keep-alive', 'expect', 'te', 'x-own']) {
          assert.equal(headers[gone], undefined, gone);
        }
      }
    });
  }
});

describe('a response of fetch', () => {
  for (const [coding, bytes] of Object.entries(packed)) {
    test(`that was packed by ${coding} is sent as it was unpacked`, async (t) => {
      const upstream = await startUpstream(t);
      const url = `${upstream}/${encodeURIComponent(coding)}`;
      const answers: readonly (() => Promise<Response>)[] = [
        () => fetch(url),
        async () => {
          const response = await fetch(url);
          return new Response(response.body, response);
        },
      ];
      for (const answer of answers) {
        const rig = await startHttp(t, answer);
        const { status, headers, body } = await ask(t, rig, 'GET / HTTP/1.1\r\n\r\n');
        assert.equal(status, 200);
        assert.ok(Buffer.from(body, 'latin1').equals(plain));
        assert.equal(headers.get('content-encoding'), undefined);
        assert.notEqual(headers.get('content-length'), String(bytes.length));
        assert.deepEqual(rig.errors, []);
      }
    });
  }
});
