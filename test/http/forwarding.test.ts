/** A handler that sends requests on with fetch, and answers with what comes back. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import zlib, { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { fetch as undiciFetch } from 'undici';
import type { TestScope } from '../support/rig.ts';
import { AnswerReader, ask, type Fetch, rawClient, startHttp } from './http-rig.ts';

const plain = Buffer.from('a text that is packed and unpacked\n'.repeat(1_000));
const packed: Readonly<Record<string, Buffer>> = {
  gzip: gzipSync(plain),
  deflate: deflateSync(plain),
  br: brotliCompressSync(plain),
  'gzip, br': brotliCompressSync(gzipSync(plain)),
  // Not every Node that this runs on has it.
  ...('zstdCompressSync' in zlib && { zstd: zlib.zstdCompressSync(plain) }),
};

/** About the connection that an answer came on. */
const ofConnection: Readonly<Record<string, string>> = {
  connection: 'Upgrade, close, X-Hop, keep-alive',
  upgrade: 'h2c',
  'keep-alive': 'timeout=5',
  'proxy-authenticate': 'Basic realm="proxy"',
  'proxy-connection': 'close',
  te: 'trailers',
  trailer: 'x-sum',
  'transfer-encoding': 'chunked',
  'x-hop': '1',
};

/** Tells what it got, or sends a packed text, or all about its connection. */
async function startUpstream(t: TestScope): Promise<string> {
  const server = http.createServer((request, response) => {
    const coding = decodeURIComponent((request.url ?? '').slice(1));
    const body = packed[coding];
    if (body !== undefined) {
      response.writeHead(200, { 'content-encoding': coding, 'content-length': body.length });
      response.end(body);
      return;
    }
    if (coding === 'connection') {
      response.writeHead(200, { ...ofConnection, 'x-kept': '1', 'set-cookie': ['a=b', 'c=d'] });
      response.end('text');
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
        (request) => fetch(upstream, request.clone()),
        (request) => fetch(upstream, request.clone().clone()),
        (request) => fetch(new Request(upstream, request.clone())),
        (request) => fetch(new Request(upstream, request).clone()),
        (request) => fetch(new Request(upstream, request).clone().clone()),
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

test('a copy of a request is a Request, and read besides it', async (t) => {
  const rig = await startHttp(t, async (request) => {
    const copies = [request.clone(), new Request(request.clone()).clone()];
    for (const copy of copies) {
      assert.ok(copy instanceof Request);
      assert.equal(copy.constructor.name, 'Request');
      assert.equal(copy.headers.get('x-kept'), '1');
    }
    const texts = await Promise.all([request, copies[0] as Request].map((each) => each.text()));
    return new Response(texts.join());
  });
  const text = 'POST / HTTP/1.1\r\nX-Kept: 1\r\nContent-Length: 3\r\n\r\nabc';
  assert.equal((await ask(t, rig, text)).body, 'abc,abc');
  assert.deepEqual(rig.errors, []);
});

test('a request of a client that has ended its side is sent on with a signal of the program', async (t) => {
  const upstream = await startUpstream(t);
  const signal = AbortSignal.timeout(60_000);
  const sends: readonly [number, Fetch][] = [
    [500, (request) => fetch(upstream, request)],
    [200, (request) => fetch(new Request(upstream, request), { signal })],
  ];
  for (const [status, send] of sends) {
    const rig = await startHttp(t, async (request, info) => {
      if (!request.signal.aborted) await once(request.signal, 'abort');
      return send(request, info);
    });
    const client = await rawClient(t, rig);
    await client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc');
    client.end();
    const answer = new AnswerReader(await client.readUntilEnd()).next();
    assert.equal(answer.status, status);
    if (status === 200) assert.equal((JSON.parse(answer.body) as [string])[0], 'abc');
  }
});

/** What comes back from there, by the runtime's fetch and by that of another package. */
function fetchesOf(url: string): readonly (() => Promise<Response>)[] {
  const fetches = [fetch, undiciFetch as unknown as typeof fetch];
  return fetches.flatMap((fetchOf) => [
    () => fetchOf(url),
    async () => {
      const response = await fetchOf(url);
      return new Response(response.body, response);
    },
  ]);
}

/** Whether this runtime's fetch unpacks it. */
async function isUnpacked(url: string): Promise<boolean> {
  const bytes = await (await fetch(url)).arrayBuffer();
  return Buffer.from(bytes).equals(plain);
}

describe('a response of fetch', () => {
  test('is sent without what is about the connection it came on', async (t) => {
    const upstream = await startUpstream(t);
    for (const answer of fetchesOf(`${upstream}/connection`)) {
      const rig = await startHttp(t, answer);
      const client = await rawClient(t, rig);
      await client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      await client.send('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
      const answers = new AnswerReader(await client.readUntilEnd());
      assert.equal(answers.rest.match(/set-cookie: (a=b|c=d)\r\n/g)?.length, 4);
      const { headers, body } = answers.next();
      assert.equal(body, 'text');
      assert.equal(headers.get('x-kept'), '1');
      const known = ['x-kept', 'set-cookie', 'date', 'content-length', 'transfer-encoding'];
      const others = [...headers.keys()].filter((name) => !known.includes(name));
      assert.deepEqual(others, []);
      // The upstream has closed its connection: the client's goes on.
      assert.equal(answers.next().headers.get('connection'), 'close');
      assert.deepEqual(rig.errors, []);
    }
  });

  for (const [coding, bytes] of Object.entries(packed)) {
    test(`that was packed by ${coding} is sent as it was unpacked`, async (t) => {
      const upstream = await startUpstream(t);
      const url = `${upstream}/${encodeURIComponent(coding)}`;
      // What the runtime does not unpack leaves as it came.
      const isWhole = await isUnpacked(url);
      assert.ok(isWhole || coding === 'zstd');
      for (const answer of fetchesOf(url)) {
        const rig = await startHttp(t, answer);
        const { status, headers, body } = await ask(t, rig, 'GET / HTTP/1.1\r\n\r\n');
        assert.equal(status, 200);
        assert.ok(Buffer.from(body, 'latin1').equals(isWhole ? plain : bytes));
        assert.equal(headers.get('content-encoding'), isWhole ? undefined : coding);
        if (isWhole) assert.notEqual(headers.get('content-length'), String(bytes.length));
        assert.deepEqual(rig.errors, []);
      }
    });
  }
});
