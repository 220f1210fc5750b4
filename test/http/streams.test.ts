/** Bodies that come and go in pieces, and what is said between request and answer. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get as httpGet, type IncomingMessage } from 'node:http';
import { get as httpsGet } from 'node:https';
import { buffer } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitUntil } from '../support/wait-until.ts';
import { ca, identity } from '../tls/tls-rig.ts';
import { AnswerReader, exchange, rawClient, startHttp } from './http-rig.ts';

const POST = 'POST / HTTP/1.1\r\nHost: a\r\n';
const LAST = 'GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

test('an answer leaves as it is made, and no faster than the client takes it', async (t) => {
  let made = 0;
  const length = 64 * 1024 * 1024;
  const rig = await startHttp(
    t,
    () =>
      new Response(
        new ReadableStream({
          pull(controller) {
            if (made === length) return controller.close();
            made += 65_536;
            controller.enqueue(new Uint8Array(65_536).fill(made / 65_536));
          },
        }),
      ),
  );
  const client = await rawClient(t, rig);
  client.pauseReading();
  client.write(LAST);
  await waitUntil(() => made > 1_000_000, 'some of it');
  // Until it does not go on any more.
  for (let before = -1; before !== made; ) {
    before = made;
    await sleep(100);
  }
  assert.ok(made < length);
  client.resumeReading();
  const { body } = new AnswerReader(await client.readUntilEnd()).next();
  assert.equal(body.length, length);
  for (let at = 0; at < length; at += 65_536) {
    assert.equal(body.charCodeAt(at), (at / 65_536 + 1) & 255);
  }
});

test('a stream comes back as it goes, piece by piece', async (t) => {
  const rig = await startHttp(t, (request) => new Response(request.body));
  const client = await rawClient(t, rig);
  client.write(`${POST}Transfer-Encoding: chunked\r\n\r\n`);
  let head = '';
  while (!head.endsWith('\r\n\r\n')) head += (await client.readExactly(1)).toString('latin1');
  for (const piece of ['a', 'bc', 'def']) {
    const chunk = `${piece.length}\r\n${piece}\r\n`;
    client.write(chunk);
    assert.equal((await client.readExactly(chunk.length)).toString(), chunk);
  }
  client.write(`0\r\n\r\n${LAST}`);
  const rest = (await client.readUntilEnd()).toString('latin1');
  assert.match(rest, /^0\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
});

for (const isTls of [false, true]) {
  test(`pieces of every length arrive as they were, ${isTls ? 'over TLS' : 'in clear'}`, async (t) => {
    const lengths = [1, 15, 16, 16_383, 16_384, 65_536, 131_072, 131_073, 1_000_000, 3];
    const all = Buffer.concat(lengths.map((length, at) => Buffer.alloc(length, 97 + at)));
    async function* pieces() {
      const memory = new Uint8Array(1_000_000);
      // The same memory for each: what was given may be changed when the next one is asked for.
      for (const [at, length] of lengths.entries()) yield memory.fill(97 + at).subarray(0, length);
    }
    const rig = await startHttp(
      t,
      (request) => {
        const isKnown = request.url.endsWith('/known');
        const headers = isKnown ? { 'content-length': String(all.length) } : {};
        return new Response(pieces() as unknown as ReadableStream, { headers });
      },
      { ...(isTls && { tls: identity }), socketSendBuffer: 32_768 },
      isTls ? 'tls://127.0.0.1:0' : 'tcp://127.0.0.1:0',
    );
    for (const path of ['/chunked', '/known']) {
      const url = `http${isTls ? 's' : ''}://${rig.server.addr}${path}`;
      const get = isTls ? httpsGet : httpGet;
      const [answer] = (await once(get(url, { ca }), 'response')) as [IncomingMessage];
      assert.ok((await buffer(answer)).equals(all), path);
    }
  });
}

test('long texts and bytes leave whole', async (t) => {
  const rig = await startHttp(t, (request) => {
    const text = 'ä'.repeat(3_000_000);
    return new Response(request.url.endsWith('/bytes') ? Buffer.from(text) : text);
  });
  for (const path of ['/text', '/bytes']) {
    const answers = await exchange(t, rig, LAST.replace('/last', path));
    const { body } = answers.next();
    assert.equal(body.length, 6_000_000);
    assert.ok(Buffer.from(body, 'latin1').equals(Buffer.from('ä'.repeat(3_000_000))));
  }
});

test('a piece that the program gives away before it has left breaks the answer off', async (t) => {
  const piece = new Uint8Array(50_000);
  const rig = await startHttp(t, () => {
    let pulls = 0;
    const source = {
      pull(controller: ReadableStreamDefaultController<Uint8Array>) {
        if (++pulls === 1) return controller.enqueue(piece);
        // The first one is held until the end of this turn.
        structuredClone(piece.buffer, { transfer: [piece.buffer] });
        controller.close();
      },
    };
    return new Response(new ReadableStream(source, { highWaterMark: 0 }));
  });
  const client = await rawClient(t, rig);
  client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await client.untilClosed();
  assert.equal(client.broken, 'ECONNRESET');
});

async function readPast(client: Awaited<ReturnType<typeof rawClient>>, end: string) {
  let text = '';
  while (!text.includes(end)) text += (await client.readExactly(1)).toString('latin1');
  return text;
}

test('a body that fails, or does not keep its length, breaks the answer off', async (t) => {
  let goOn = (): void => {};
  const failing = (fail: boolean) => {
    const isThere = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const pieces = async function* () {
      yield Buffer.from('some of it');
      await isThere;
      if (fail) throw new Error('it failed');
      yield Buffer.from('!');
    };
    return ReadableStream.from(pieces());
  };
  const rig = await startHttp(t, (request) => {
    const path = new URL(request.url).pathname;
    const length = path === '/short' ? '20' : path === '/long' ? '10' : undefined;
    const headers = length === undefined ? {} : { 'content-length': length };
    return new Response(failing(length === undefined), { headers });
  });
  for (const path of ['/fails', '/short', '/long']) {
    const client = await rawClient(t, rig);
    client.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
    const begin = await readPast(client, 'some of it');
    goOn();
    const text = begin + (await client.readUntilEnd()).toString('latin1');
    if (path !== '/long') assert.throws(() => new AnswerReader(Buffer.from(text)).next(), path);
  }
  assert.equal(rig.errors.length, 3);
  // Without a frame only a reset says that it is not everything.
  const old = await rawClient(t, rig);
  old.write('GET /fails HTTP/1.0\r\n\r\n');
  await readPast(old, 'some of it');
  goOn();
  await old.untilClosed();
  assert.equal(old.broken, 'ECONNRESET');
});

describe('a body that nobody reads', () => {
  test('is passed over, and the next request is answered', async (t) => {
    const rig = await startHttp(t, (request) => new Response(new URL(request.url).pathname));
    const body = 'x'.repeat(100_000);
    const posts = [
      `${POST}Content-Length: ${body.length}\r\n\r\n${body}`,
      `${POST}Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
      `${POST}Content-Length: 2\r\n\r\nhi`,
    ];
    for (const post of posts) {
      const answers = await exchange(t, rig, post + LAST);
      assert.equal(answers.next().body, '/');
      assert.equal(answers.next().body, '/last');
      assert.equal(answers.rest, '');
    }
  });

  test('and that is long ends the connection, but not the answer', async (t) => {
    const rig = await startHttp(t, () => new Response('no, thanks'));
    const client = await rawClient(t, rig);
    client.write(`${POST}Content-Length: 10000000\r\n\r\n`);
    client.write(Buffer.alloc(1_000_000));
    const answers = new AnswerReader(await client.readUntilEnd());
    assert.equal(answers.next().body, 'no, thanks');
  });

  test('is not asked for: the final answer closes the connection', async (t) => {
    const rig = await startHttp(t, () => new Response('no, thanks'));
    const client = await rawClient(t, rig);
    client.write(`${POST}Expect: 100-continue\r\nContent-Length: 10\r\n\r\n`);
    const answer = new AnswerReader(await client.readUntilEnd()).next();
    assert.equal(`${answer.body} ${answer.headers.get('connection')}`, 'no, thanks close');
  });
});

test('100 Continue is said when the body is wanted, and not when it is there', async (t) => {
  const rig = await startHttp(t, async (request) => new Response(await request.text()));
  const client = await rawClient(t, rig);
  const head = `${POST}Expect: 100-continue\r\nContent-Length: 2\r\n\r\n`;
  client.write(head);
  const said = await client.readExactly('HTTP/1.1 100 Continue\r\n\r\n'.length);
  assert.equal(said.toString(), 'HTTP/1.1 100 Continue\r\n\r\n');
  client.write(`hi${head}ho${LAST}`);
  const answers = new AnswerReader(await client.readUntilEnd());
  assert.equal(answers.next().body, 'hi');
  assert.equal(answers.next().body, 'ho');
  assert.equal(answers.next().body, '');
});

test('100 Continue goes ahead of an answer that is made of the body', async (t) => {
  const rig = await startHttp(t, (request) => new Response(request.body));
  const client = await rawClient(t, rig);
  const head = `${POST}Connection: close\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n`;
  client.write(head);
  await client.readExactly('HTTP/1.1 100 Continue\r\n\r\n'.length);
  client.write('hi');
  assert.equal(new AnswerReader(await client.readUntilEnd()).next().body, 'hi');
});

test('early hints go ahead of the answer', async (t) => {
  const rig = await startHttp(t, (_request, info) => {
    info.earlyHints({ link: '</a.css>; rel=preload' });
    return new Response('x');
  });
  const answers = await exchange(t, rig, LAST);
  const hints = answers.next();
  assert.equal(`${hints.status} ${hints.headers.get('link')}`, '103 </a.css>; rel=preload');
  assert.equal(answers.next().body, 'x');
  const old = await exchange(t, rig, 'GET / HTTP/1.0\r\n\r\n');
  assert.equal(old.next().status, 200);
});

test('trailers go both ways', async (t) => {
  const rig = await startHttp(t, async (request, info) => {
    const body = await request.text();
    const trailers = await info.trailers;
    info.setTrailers({ 'x-sum': String(body.length) });
    return new Response(new Blob([`${body} ${trailers.get('x-check')}`]).stream());
  });
  const chunks = 'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Check: ok\r\n\r\n';
  const end = `Connection: close\r\n${chunks}`;
  const wanted = await exchange(t, rig, `${POST}TE: trailers\r\n${end}`);
  assert.match(wanted.rest, /6\r\nabc ok\r\n0\r\nx-sum: 3\r\n\r\n$/);
  const unwanted = await exchange(t, rig, POST + end);
  assert.match(unwanted.rest, /6\r\nabc ok\r\n0\r\n\r\n$/);
});
