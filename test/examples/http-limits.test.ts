/** What the HTTP example does with clients that are too slow, and with those that do not read. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { HttpServer, type HttpServerOptions } from '../../examples/http/server.ts';
import { type Conn, type Options, serve } from '../../src/index.ts';
import { RawClient } from 'gnet/testing';
import type { TestScope } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';

const HOST = 'Host: example\r\n';
const GET = `GET /plaintext HTTP/1.1\r\n${HOST}\r\n`;
const POST = `POST /echo HTTP/1.1\r\n${HOST}`;

class Watched extends HttpServer {
  mostPending = 0;
  conn: Conn | undefined;

  override onOpened(conn: Conn): void {
    this.conn = conn;
  }

  override react(frame: Buffer | null, conn: Conn) {
    const reply = super.react(frame, conn);
    this.mostPending = Math.max(this.mostPending, conn.outboundBuffered());
    return reply;
  }
}

async function start(t: TestScope, options: HttpServerOptions, serving: Options = {}) {
  const handler = new Watched(options);
  const server = await serve(handler, 'tcp://127.0.0.1:0', {
    ticker: true,
    codec: handler.codec,
    closeTimeout: 500,
    ...serving,
  });
  t.after(() => server.close());
  const client = await RawClient.connect(server.addr);
  t.after(() => client.destroy());
  return { handler, client };
}

/** Sends pieces for as long as the other side takes them, well within every `idleTimeout`. */
async function drip(client: RawClient, piece: string): Promise<string> {
  const timer = setInterval(() => client.write(piece), 10);
  try {
    await waitUntil(() => client.ended || client.broken !== undefined, 'the end');
  } finally {
    clearInterval(timer);
  }
  return client.take().toString('latin1');
}

const short = { headTimeout: 100, bodyTimeout: 100 };
const NEVER = 1_000_000;

describe('a request has to come in time', () => {
  test('a head that drips: 408, and the end', async (t) => {
    const { client } = await start(t, { ...short, bodyTimeout: NEVER });
    client.write(`${GET}GET / HTTP/1.1\r\nX: `);
    const answer = await drip(client, 'a');
    assert.match(answer, /^HTTP\/1\.1 200 /);
    assert.match(answer, /HTTP\/1\.1 408 Request Timeout\r\n[\s\S]*Connection: close\r\n/);
  });

  test('empty lines that drip are a head that does not come', async (t) => {
    const { client } = await start(t, { ...short, bodyTimeout: NEVER });
    client.write('\r\n\r');
    await waitUntil(() => client.ended, 'the end');
    assert.match(client.take().toString(), /^HTTP\/1\.1 408 /);
  });

  const bodies = [
    ['with a length', 'Content-Length: 1000000\r\n\r\n', 'a'],
    ['in chunks', 'Transfer-Encoding: chunked\r\n\r\n', '1\r\na\r\n'],
    ['that is waited for', 'Expect: 100-continue\r\nContent-Length: 1000000\r\n\r\n', 'a'],
  ] as const;
  for (const [kind, head, piece] of bodies) {
    test(`a body ${kind} that drips: 408, and the end`, async (t) => {
      const { client } = await start(t, { ...short, headTimeout: NEVER });
      client.write(POST + head);
      assert.match(await drip(client, piece), /HTTP\/1\.1 408 Request Timeout\r\n/);
    });
  }

  test('a slow client that is in time is served, and nothing of it is kept', async (t) => {
    const { client, handler } = await start(t, { headTimeout: NEVER, bodyTimeout: NEVER });
    const request = `${POST}Content-Length: 2\r\n\r\nhi`;
    for (const byte of request) {
      client.write(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await waitUntil(() => client.receivedBytes > 0, 'the answer');
    assert.match(client.take().toString(), /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nhi$/);
    assert.equal(handler.codec.unfinished.size, 0);
  });

  test('a client that leaves in the middle is forgotten', async (t) => {
    const { client, handler } = await start(t, { headTimeout: NEVER, bodyTimeout: NEVER });
    client.write('GET / HT');
    await waitUntil(() => handler.codec.unfinished.size === 1, 'the beginning');
    client.reset();
    await waitUntil(() => handler.codec.unfinished.size === 0, 'the end');
  });

  test('limits that are none are refused', () => {
    for (const options of [{ headTimeout: 0 }, { bodyTimeout: Number.NaN }]) {
      assert.throws(() => new HttpServer(options), RangeError);
    }
    for (const limits of [{ headerCountMax: 0 }, { bodyLengthMax: 1.5 }]) {
      assert.throws(() => new HttpServer({ limits }), RangeError);
    }
  });

  test('the number of header lines is an option', async (t) => {
    const { client } = await start(t, { limits: { headerCountMax: 2 } });
    client.write(`GET /plaintext HTTP/1.1\r\n${HOST}A: 1\r\n\r\n`);
    client.write(`GET /plaintext HTTP/1.1\r\n${HOST}A: 1\r\nB: 2\r\n\r\n`);
    await waitUntil(() => client.ended, 'the end');
    assert.match(client.take().toString(), /^HTTP\/1\.1 200 [\s\S]*HTTP\/1\.1 431 /);
  });
});

const highWaterMark = 64 * 1024;

for (const overflow of ['none', 'pause'] as const) {
  test(`a flood of pipelined requests is taken only as answers leave (${overflow})`, async (t) => {
    const { client, handler } = await start(t, {}, { overflow, highWaterMark });
    client.pauseReading();
    const one = `${POST}Content-Length: 40000\r\n\r\n${'x'.repeat(40_000)}`;
    const count = 1_000;
    client.write(one.repeat(count));
    await waitUntil(() => handler.mostPending > highWaterMark, 'the first pause');
    // What one read of 64 KiB brings may be answered above the mark, and no more.
    const most = highWaterMark + 4 * 65_536;
    for (let turn = 0; turn < 200; turn++) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      assert.ok(handler.mostPending < most, `${handler.mostPending} bytes wait`);
    }
    client.resumeReading();
    client.write(`GET /json HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`);
    const answers = (await client.readUntilEnd()).toString('latin1');
    assert.equal(answers.split('HTTP/1.1 200 OK').length - 1, count + 1);
    assert.ok(handler.mostPending < most);
  });
}
