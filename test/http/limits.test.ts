/** Clients that are slow, that ask for too much, that leave, and that do not read. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RawClient } from 'gnet/testing';
import { block } from '../support/block.ts';
import { unlessHeldUp } from '../support/unless-held-up.ts';
import { waitUntil } from '../support/wait-until.ts';
import { AnswerReader, exchange, rawClient, startHttp } from './http-rig.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const POST = 'POST / HTTP/1.1\r\nHost: a\r\n';
const NEVER = 1_000_000;

describe('time limits', () => {
  test('a head that drips: 408; an idle connection: the end without a word', async (t) => {
    await unlessHeldUp(50, async () => {
      const rig = await startHttp(t, () => new Response('x'), {
        headTimeout: 100,
        keepAliveTimeout: 100,
      });
      const slow = await rawClient(t, rig);
      const timer = setInterval(() => slow.write('x'), 10);
      t.after(() => clearInterval(timer));
      slow.write('GET / HTTP/1.1\r\nX: ');
      const idle = await rawClient(t, rig);
      idle.write(GET);
      const answers = new AnswerReader(await idle.readUntilEnd());
      assert.equal(answers.next().status, 200);
      assert.equal(answers.rest, '');
      const late = new AnswerReader(await slow.readUntilEnd()).next();
      assert.equal(`${late.status} ${late.headers.get('connection')}`, '408 close');
      const never = await rawClient(t, rig);
      assert.equal((await never.readUntilEnd()).length, 0);
    });
  });

  test('a body that drips: 408, and whoever reads it hears of it', async (t) => {
    await unlessHeldUp(50, async () => {
      let error: unknown;
      const rig = await startHttp(
        t,
        async (request) => {
          await request.text().catch((thrown: unknown) => {
            error = thrown;
          });
          return new Response('too late');
        },
        { bodyTimeout: 100, headTimeout: NEVER },
      );
      const client = await rawClient(t, rig);
      const timer = setInterval(() => client.write('x'), 10);
      t.after(() => clearInterval(timer));
      client.write(`${POST}Content-Length: 1000\r\n\r\n`);
      const answers = new AnswerReader(await client.readUntilEnd());
      assert.equal(answers.next().status, 408);
      assert.equal(answers.rest, '');
      assert.equal((error as Error).name, 'TimeoutError');
    });
  });

  test('a handler that takes its time is no slow client', async (t) => {
    await unlessHeldUp(50, async () => {
      const rig = await startHttp(
        t,
        async (request) => {
          await sleep(400);
          return new Response(await request.text());
        },
        { bodyTimeout: 100, headTimeout: 100, keepAliveTimeout: 100 },
      );
      const client = await rawClient(t, rig);
      client.write(`${POST}Expect: 100-continue\r\nContent-Length: 2\r\n\r\n`);
      await client.readExactly('HTTP/1.1 100 Continue\r\n\r\n'.length);
      client.write('hi');
      assert.equal(new AnswerReader(await client.readUntilEnd()).next().body, 'hi');
    });
  });
});

test('a request that came while a handler blocked is answered, whatever the limits', async (t) => {
  const others: RawClient[] = [];
  const rig = await startHttp(
    t,
    (request) => {
      if (!request.url.endsWith('/block')) return new Response('in time');
      block(800);
      // In the kernel when this returns.
      for (const other of others) other.write(GET);
      return new Response('late');
    },
    { keepAliveTimeout: 600, headTimeout: 600 },
  );
  const client = await rawClient(t, rig);
  for (let count = 0; count < 2; count++) others.push(await rawClient(t, rig));
  client.write(GET.replace('/', '/block'));
  for (const other of others) {
    assert.equal(new AnswerReader(await other.readUntilEnd()).next().body, 'in time');
  }
});

test('heads that came in time are read, though handlers of hundreds of others block', async (t) => {
  const others: RawClient[] = [];
  const rig = await startHttp(
    t,
    (request) => {
      if (!request.url.endsWith('/block')) block(0.2);
      else {
        block(1_200);
        // More than one wait reports, and all in the kernel when this returns.
        for (const other of others) other.write('Connection: close\r\n\r\n');
      }
      return new Response('in time');
    },
    // Longer than it takes so many to say what they begin with.
    { keepAliveTimeout: NEVER, headTimeout: 1_000 },
  );
  const client = await rawClient(t, rig);
  const opening = Array.from({ length: 700 }, () => rawClient(t, rig));
  others.push(...(await Promise.all(opening)));
  for (const other of others) other.write('GET / HTTP/1.1\r\nHost: a\r\n');
  client.write(GET.replace('/', '/block'));
  const texts = await Promise.all(others.map((other) => other.readUntilEnd()));
  const refused = texts.map(String).filter((text) => !text.endsWith('in time'));
  assert.deepEqual(refused, []);
});

test('a head that begins behind a handler that blocked has its own time', async (t) => {
  let rest = (): void => {};
  let next = (): void => {};
  const rig = await startHttp(
    t,
    (request) => {
      if (request.url.endsWith('/first')) {
        block(750);
        next();
      } else if (request.url.endsWith('/second')) {
        block(300);
        rest();
      }
      return new Response('in time');
    },
    { keepAliveTimeout: NEVER, headTimeout: 500 },
  );
  const first = await rawClient(t, rig);
  const second = await rawClient(t, rig);
  const slow = await rawClient(t, rig);
  next = () => second.write(GET.replace('/', '/second'));
  rest = () => slow.write(`${GET.slice(3, -2)}Connection: close\r\n\r\n`);
  first.write(GET.replace('/', '/first'));
  slow.write(GET.slice(0, 3));
  assert.equal(new AnswerReader(await slow.readUntilEnd()).next().status, 200);
});

describe('what is too much', () => {
  test('is refused with its status, and the connection is closed', async (t) => {
    const rig = await startHttp(t, async (request) => new Response(await request.text()), {
      limits: { targetLengthMax: 20, headersLengthMax: 200, headerCountMax: 5, bodyLengthMax: 10 },
    });
    const refusals: readonly [number, string][] = [
      [414, `GET /${'a'.repeat(30)} HTTP/1.1\r\n`],
      [431, `GET / HTTP/1.1\r\nA: ${'a'.repeat(300)}\r\n`],
      [431, `GET / HTTP/1.1\r\n${'A: b\r\n'.repeat(6)}\r\n`],
      [413, `${POST}Content-Length: 11\r\n\r\n`],
      [413, `${POST}Transfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n6\r\n`],
      [417, `${POST}Expect: something\r\n\r\n`],
      [501, `CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n`],
      [501, `TRACE / HTTP/1.1\r\nHost: a\r\n\r\n`],
      [505, 'GET / HTTP/2.0\r\n'],
      [400, 'GET / HTTP/1.1\r\n\r\n'],
    ];
    for (const [status, text] of refusals) {
      const answers = await exchange(t, rig, text);
      const answer = answers.next();
      assert.equal(answer.status, status, text);
      assert.equal(answer.headers.get('connection'), 'close');
      assert.equal(answers.rest, '');
    }
  });

  test('a flood of requests is not read while answers are not', async (t) => {
    const body = 'x'.repeat(10_000);
    let count = 0;
    const rig = await startHttp(
      t,
      () => {
        count++;
        return new Response(body);
      },
      { highWaterMark: 100_000, lowWaterMark: 50_000, socketSendBuffer: 4_096 },
    );
    const client = await rawClient(t, rig);
    client.pauseReading();
    const total = 5_000;
    client.write(GET.repeat(total));
    // Until it does not go on any more.
    for (let before = -1; before !== count; ) {
      before = count;
      await sleep(200);
    }
    assert.ok(count < total);
    client.resumeReading();
    client.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    const answers = new AnswerReader(await client.readUntilEnd());
    for (let index = 0; index <= total; index++) assert.equal(answers.next().body.length, 10_000);
  });

  test('a body is not read faster than the handler reads it', async (t) => {
    let go: () => void = () => {};
    const gate = new Promise<void>((resolve) => {
      go = resolve;
    });
    const rig = await startHttp(t, async (request) => {
      await gate;
      let length = 0;
      for await (const part of request.body ?? []) length += part.length;
      return new Response(String(length));
    });
    const client = await rawClient(t, rig);
    const length = 12 * 1024 * 1024;
    client.write(`${POST}Connection: close\r\nContent-Length: ${length}\r\n\r\n`);
    let taken = false;
    void client.send(Buffer.alloc(length)).then(() => {
      taken = true;
    });
    await sleep(200);
    assert.equal(taken, false);
    go();
    assert.equal(new AnswerReader(await client.readUntilEnd()).next().body, String(length));
  });
});

describe('a client that leaves', () => {
  test('while the handler works: the signal is aborted', async (t) => {
    for (const how of ['reset', 'destroy'] as const) {
      const aborted: unknown[] = [];
      let begun = false;
      const rig = await startHttp(t, async (request) => {
        begun = true;
        await once(request.signal, 'abort');
        aborted.push(request.signal.reason);
        return new Response('for nobody');
      });
      const client = await rawClient(t, rig);
      client.write(GET);
      await waitUntil(() => begun, 'the handler');
      client[how]();
      await waitUntil(() => aborted.length > 0, 'the signal');
      assert.equal((aborted[0] as Error).name, 'AbortError');
      await waitUntil(() => rig.server.countConnections() === 0, 'the end');
      assert.deepEqual(rig.errors, []);
    }
  });

  test('with its side only: the signal is aborted, and the answer still leaves', async (t) => {
    const rig = await startHttp(t, async (request) => {
      await once(request.signal, 'abort');
      return new Response('still here');
    });
    const client = await rawClient(t, rig);
    client.write(GET);
    client.end();
    assert.equal(new AnswerReader(await client.readUntilEnd()).next().body, 'still here');
  });

  test('in the middle of a body: reading it fails', async (t) => {
    let error: unknown;
    const rig = await startHttp(t, async (request) => {
      await request.text().catch((thrown: unknown) => {
        error = thrown;
      });
      return new Response('x');
    });
    const client = await rawClient(t, rig);
    client.write(`${POST}Content-Length: 10\r\n\r\nabc`);
    client.end();
    await client.readUntilEnd();
    assert.equal((error as Error).name, 'AbortError');
  });

  test('while an answer streams: its source is cancelled', async (t) => {
    let cancelled = false;
    const rig = await startHttp(
      t,
      () =>
        new Response(
          new ReadableStream({
            pull: (controller) => controller.enqueue(new Uint8Array(100_000)),
            cancel: () => {
              cancelled = true;
            },
          }),
        ),
    );
    const client = await rawClient(t, rig);
    client.write(GET);
    await client.readExactly(1_000_000);
    client.destroy();
    await waitUntil(() => cancelled, 'cancel');
  });
});

describe('a stop', () => {
  test('ends idle connections at once, and waits for answers', async (t) => {
    let go: () => void = () => {};
    let begun = false;
    const rig = await startHttp(t, async () => {
      begun = true;
      await new Promise<void>((resolve) => {
        go = resolve;
      });
      return new Response('done');
    });
    const idle = await rawClient(t, rig);
    const busy = await rawClient(t, rig);
    busy.write(GET);
    await waitUntil(() => begun, 'the handler');
    const stopped = rig.server.stop({ timeout: 20_000 });
    assert.equal((await idle.readUntilEnd()).length, 0);
    go();
    const answer = new AnswerReader(await busy.readUntilEnd()).next();
    assert.equal(`${answer.body} ${answer.headers.get('connection')}`, 'done close');
    idle.destroy();
    busy.destroy();
    assert.equal((await stopped).forced, 0);
  });

  test('waits for what was given to waitUntil, and reports what rejects', async (t) => {
    let isDone = false;
    const rig = await startHttp(t, (_request, info) => {
      info.waitUntil(
        sleep(100).then(() => {
          isDone = true;
        }),
      );
      info.waitUntil(Promise.reject(new Error('in the background')));
      return new Response('x');
    });
    const client = await rawClient(t, rig);
    client.write(GET);
    await client.readExactly(10);
    client.destroy();
    await rig.server.stop();
    assert.equal(isDone, true);
    assert.equal((rig.errors[0] as Error).message, 'in the background');
  });
});
