/** Work that goes on after the answer. */
import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { serveHttp } from 'gnet/http';
import { temporaryDirectory } from '../support/rig.ts';
import { ask, type HttpRig, startHttp as start } from './http-rig.ts';

const startHttp: typeof start = (t, fetch, options) =>
  start(t, fetch, { closeTimeout: 50, ...options });

const get = 'GET / HTTP/1.1\r\n\r\n';

describe('a stop waits for work given to waitUntil', () => {
  for (const numEventLoop of [1, 2]) {
    test(`of each of ${numEventLoop} loops`, async (t) => {
      const folder = temporaryDirectory(t);
      const module = new URL(`./programs/waits.ts?folder=${folder}`, import.meta.url);
      const server = await serveHttp(module, 'tcp://127.0.0.1:0', {
        numEventLoop,
        closeTimeout: 50,
      });
      t.after(() => server.close());
      const rig = { server } as HttpRig;
      const names = ['a', 'b', 'c', 'd'];
      for (const name of names) await ask(t, rig, `GET /${name} HTTP/1.1\r\n\r\n`);
      const stopped = server.stop({ timeout: 60_000 });
      // Long enough for a stop that does not wait to end its threads.
      await Promise.race([stopped, sleep(400)]);
      writeFileSync(join(folder, 'go'), '');
      assert.deepEqual(await stopped, { forced: 0 });
      assert.deepEqual(readdirSync(folder).sort(), [...names, 'go']);
    });
  }

  test('also for what that begins', async (t) => {
    const order: string[] = [];
    const release = Promise.withResolvers<void>();
    const rig = await startHttp(t, (_request, info) => {
      const later = async (): Promise<void> => {
        await new Promise(setImmediate);
        order.push('later');
      };
      info.waitUntil(release.promise.then(() => info.waitUntil(later())));
      return new Response();
    });
    await ask(t, rig, get);
    const stopped = rig.server.stop().then((result) => {
      order.push('stopped');
      return result;
    });
    await new Promise(setImmediate);
    release.resolve();
    assert.deepEqual(await stopped, { forced: 0 });
    assert.deepEqual(order, ['later', 'stopped']);
  });

  test('until its time is up', async (t) => {
    const rig = await startHttp(t, (_request, info) => {
      info.waitUntil(new Promise(() => {}));
      return new Response();
    });
    await ask(t, rig, get);
    const { undone } = await rig.server.close();
    assert.equal(undone?.unsettledHandlers, 1);
  });
});

describe('a promise given to waitUntil that rejects', () => {
  const failing = (_request: Request, info: { waitUntil(promise: Promise<unknown>): void }) => {
    info.waitUntil(Promise.reject(new Error('the work failed')));
    return new Response();
  };

  test('is reported', async (t) => {
    const rig = await startHttp(t, failing);
    await ask(t, rig, get);
    await rig.server.stop();
    assert.match(String(rig.errors), /the work failed/);
  });

  test('is told to onError, whose own failure is reported, whenever it comes', async (t) => {
    const failures = [
      (error: unknown): never => {
        throw new Error('onError fails', { cause: error });
      },
      async (error: unknown): Promise<never> => {
        await new Promise(setImmediate);
        throw new Error('onError fails', { cause: error });
      },
    ];
    for (const onError of failures) {
      const rig = await startHttp(t, failing, { onError });
      await ask(t, rig, get);
      await rig.server.stop();
      assert.match(String(rig.errors), /onError fails/);
      assert.match(String((rig.errors[0] as Error).cause), /the work failed/);
    }
  });
});
