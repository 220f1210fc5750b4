/** Clients that leave in the middle, and answers that have nothing to say for long. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { waitUntil } from '../support/wait-until.ts';
import { rawClient, startHttp } from './http-rig.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

/** A stream that says one thing, and whether it was cancelled. */
function quietStream() {
  const state = { cancelled: 0 };
  const stream = () =>
    new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(Buffer.from('first')),
      cancel: () => {
        state.cancelled++;
      },
    });
  return { state, stream };
}

async function readFirst(client: Awaited<ReturnType<typeof rawClient>>): Promise<void> {
  let text = '';
  while (!text.includes('first')) text += String(await client.readExactly(1));
}

describe('an answer that has nothing to say for long', () => {
  test('is cancelled when its client goes', async (t) => {
    const { state, stream } = quietStream();
    const rig = await startHttp(t, () => new Response(stream()));
    const client = await rawClient(t, rig);
    client.write(GET);
    await readFirst(client);
    client.socket.resetAndDestroy();
    await waitUntil(() => state.cancelled === 1, 'cancel');
    await waitUntil(() => rig.server.countConnections() === 0, 'the end');
  });

  test('is cancelled when the server is closed', async (t) => {
    const { state, stream } = quietStream();
    const rig = await startHttp(t, () => new Response(stream()));
    const client = await rawClient(t, rig);
    client.write(GET);
    await readFirst(client);
    await rig.server.close();
    await waitUntil(() => state.cancelled === 1, 'cancel');
  });

  test('an iterator is returned to when its client goes', async (t) => {
    let returned = 0;
    const pieces: AsyncIterableIterator<Uint8Array> = {
      [Symbol.asyncIterator]: () => pieces,
      next: () => new Promise(() => {}),
      async return() {
        returned++;
        return { done: true, value: undefined };
      },
    };
    const rig = await startHttp(t, () => new Response(pieces as never));
    const client = await rawClient(t, rig);
    client.write(GET);
    await client.readExactly(10);
    client.socket.resetAndDestroy();
    await waitUntil(() => returned === 1, 'return');
  });

  test('ends some time after its client has ended its side, but not while it speaks', async (t) => {
    const { state, stream } = quietStream();
    let speak: ReadableStreamDefaultController<Uint8Array> | undefined;
    const speaking = () =>
      new ReadableStream<Uint8Array>({
        start(controller) {
          speak = controller;
          controller.enqueue(Buffer.from('first'));
        },
      });
    const rig = await startHttp(
      t,
      (request) => new Response(request.url.endsWith('/speaks') ? speaking() : stream()),
      { keepAliveTimeout: 200 },
    );
    const speaker = await rawClient(t, rig);
    speaker.write(GET.replace('/', '/speaks'));
    await readFirst(speaker);
    speaker.end();
    const client = await rawClient(t, rig);
    client.write(GET);
    await readFirst(client);
    const timer = setInterval(() => speak?.enqueue(Buffer.from('more')), 10);
    t.after(() => clearInterval(timer));
    client.end();
    assert.doesNotMatch(String(await client.readUntilEnd()), /^0\r\n/m);
    await waitUntil(() => state.cancelled === 1, 'cancel');
    clearInterval(timer);
    speak?.enqueue(Buffer.from('last'));
    speak?.close();
    assert.match(String(await speaker.readUntilEnd()), /last\r\n0\r\n\r\n$/);
    assert.deepEqual(rig.errors, []);
  });
});
