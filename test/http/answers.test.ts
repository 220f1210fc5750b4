/** Answers that are odd: each client gets its own, and cannot take a part of one for another. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AnswerReader, ask, exchange, rawClient, startHttp } from './http-rig.ts';

const line = (path: string, method = 'GET'): string => `${method} ${path} HTTP/1.1\r\nHost: a\r\n`;

describe('the memory of an answer may be used again', () => {
  test('as soon as the answer is made, however slow its client is', async (t) => {
    const length = 8 << 20;
    const shared = Buffer.alloc(length);
    const begun = Promise.withResolvers<void>();
    const rig = await startHttp(t, (request) => {
      begun.resolve();
      shared.fill(request.url.at(-1) as string);
      return new Response(shared);
    });
    const [slow, other] = [await rawClient(t, rig), await rawClient(t, rig)];
    slow.pauseReading();
    slow.write(`${line('/1')}Connection: close\r\n\r\n`);
    await begun.promise;
    other.write(`${line('/2')}Connection: close\r\n\r\n`);
    const second = await other.readUntilEnd();
    slow.resumeReading();
    const bodies = [await slow.readUntilEnd(), second];
    for (const [index, answer] of bodies.entries()) {
      const body = answer.subarray(answer.indexOf('\r\n\r\n') + 4);
      assert.ok(body.equals(Buffer.alloc(length, String(index + 1))), `client ${index + 1}`);
    }
  });

  test('before the promise of the handler has resolved', async (t) => {
    const bytes = Buffer.alloc(1);
    const headers = new Headers();
    let release: (() => void) | undefined;
    const rig = await startHttp(t, async (request) => {
      const name = request.url.at(-1) as string;
      bytes.write(name);
      headers.set('x-name', name);
      const response = new Response(bytes, { headers });
      if (name === '2') release?.();
      else {
        await new Promise<void>((resolve) => {
          release = resolve;
        });
      }
      return response;
    });
    const first = await rawClient(t, rig);
    first.write(`${line('/1')}Connection: close\r\n\r\n`);
    while (release === undefined) await new Promise(setImmediate);
    const second = await ask(t, rig, 'GET /2 HTTP/1.1\r\n\r\n');
    assert.equal(`${second.headers.get('x-name')} ${second.body}`, '2 2');
    const answer = new AnswerReader(await first.readUntilEnd()).next();
    assert.equal(`${answer.headers.get('x-name')} ${answer.body}`, '1 1');
  });
});

describe('an answer with headers longer than 64 KiB', () => {
  const long = Array.from({ length: 12 }, (_, index): [string, string] => [
    `x-${index}`,
    'y'.repeat(6_000),
  ]);
  const forged = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged';
  const bodies: Readonly<Record<string, () => ConstructorParameters<typeof Response>[0]>> = {
    text: () => forged,
    bytes: () => Buffer.from(forged),
    'a stream': () => new Blob([forged]).stream(),
    nothing: () => null,
  };
  for (const [name, body] of Object.entries(bodies)) {
    test(`and ${name} is whole, and to HEAD has no body`, async (t) => {
      const rig = await startHttp(t, (request) => {
        const isLong = request.url.endsWith('/long');
        return isLong ? new Response(body(), { headers: long }) : new Response('next');
      });
      const last = `${line('/')}Connection: close\r\n\r\n`;
      const text = `${line('/long', 'HEAD')}\r\n${line('/long')}\r\n${last}`;
      const reader = await exchange(t, rig, text);
      for (const hasBody of [false, true]) {
        const answer = reader.next(hasBody);
        for (const [key, value] of long) assert.equal(answer.headers.get(key), value);
        assert.equal(answer.body, hasBody && body() !== null ? forged : '');
      }
      assert.equal(reader.next().body, 'next');
      assert.equal(reader.rest, '');
      assert.deepEqual(rig.errors, []);
    });
  }
});

test('205 tells its client that nothing follows', async (t) => {
  for (const overrideGlobalObjects of [true, false]) {
    const rig = await startHttp(t, () => new Response(null, { status: 205 }), {
      overrideGlobalObjects,
    });
    assert.equal((await ask(t, rig, 'GET / HTTP/1.1\r\n\r\n')).headers.get('content-length'), '0');
  }
});

test('a status that no answer can have is a failure', async (t) => {
  const rig = await startHttp(t, () => Response.error());
  assert.equal((await ask(t, rig, 'GET / HTTP/1.1\r\n\r\n')).status, 500);
  assert.match(String(rig.errors), /status 0: it must be 200 to 599/);
});

test('a status that onError makes of a failure is none either', async (t) => {
  const fails = (): never => {
    throw new Error('fails');
  };
  const rig = await startHttp(t, fails, { onError: () => Response.error() });
  assert.equal((await ask(t, rig, 'GET / HTTP/1.1\r\n\r\n')).status, 500);
});

test('who names protocols to switch to says that they are for this connection', async (t) => {
  const rig = await startHttp(t, () => new Response(null, { headers: { Upgrade: 'foo' } }));
  const reader = await exchange(t, rig, `${line('/')}\r\n${line('/')}Connection: close\r\n\r\n`);
  assert.equal(reader.next().headers.get('connection'), 'Upgrade');
  assert.equal(reader.next().headers.get('connection'), 'close, Upgrade');
});
