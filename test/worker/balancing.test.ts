/** Which loop gets a connection. */
import assert from 'node:assert/strict';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { crc32 } from 'node:zlib';
import { LoadBalancing, type Options } from 'gnet';
import type { RawClient } from 'gnet/testing';
import { kernelSpreads, notOn } from '../support/driver.ts';
import { connect, temporaryDirectory } from '../support/rig.ts';
import { settle, waitUntil } from '../support/wait-until.ts';
import { hear, land, landMany, loopsOf, telling } from './landing.ts';
import { freeAddress, handlerModule, startLoops } from './pool-rig.ts';

describe('where connections land', notOn('node', kernelSpreads), () => {
  const balanced = (loadBalancing: LoadBalancing): Options => ({ numEventLoop: 3, loadBalancing });

  test('RoundRobin: one after the other', async (t) => {
    const { server } = await startLoops(t, telling, balanced(LoadBalancing.RoundRobin));
    assert.deepEqual(loopsOf(await landMany(t, server, 7)), [0, 1, 2, 0, 1, 2, 0]);
  });

  test('LeastConnections: where the fewest are', async (t) => {
    const { server } = await startLoops(t, telling, balanced(LoadBalancing.LeastConnections));
    const first = await landMany(t, server, 6);
    assert.deepEqual(loopsOf(first), [0, 1, 2, 0, 1, 2]);
    for (const { client, loop } of first) if (loop === 1) client.end();
    await waitUntil(() => server.stats().loops[1]?.connections === 0, 'loop 1 is empty');
    assert.deepEqual(loopsOf(await landMany(t, server, 4)), [1, 1, 0, 1]);
  });

  test('a connection whose onOpened runs counts once', async (t) => {
    const hold = join(temporaryDirectory(t), 'hold');
    t.after(() => rmSync(hold, { force: true }));
    const options = { numEventLoop: 2, loadBalancing: LoadBalancing.LeastConnections };
    const { server } = await startLoops(t, handlerModule('loops.ts', { hold }), options);
    const clients: RawClient[] = [];
    for (let one = 0; one < 4; one++) {
      clients.push(await connect(t, server.addr));
      const seen = (): number => server.stats().loops[one % 2]?.connections ?? 0;
      if (one < 3) await waitUntil(() => seen() === (one === 2 ? 2 : 1), 'its loop has it');
      if (one === 1) await waitUntil(() => existsSync(hold), 'onOpened of the second');
    }
    await settle(); // for the fourth to be given to a loop
    rmSync(hold);
    const all = await Promise.all(clients.map(hear));
    assert.deepEqual(loopsOf(all), [0, 1, 0, 1]);
  });

  test('SourceAddrHash: by the address of the peer', async (t) => {
    const { server } = await startLoops(t, telling, balanced(LoadBalancing.SourceAddrHash));
    for (const { client, loop, remoteAddr } of await landMany(t, server, 12)) {
      assert.equal(remoteAddr, client.localAddress);
      assert.equal(loop, crc32(remoteAddr) % 3);
    }
  });

  test('SourceAddrHash: unnamed Unix peers all in one', async (t) => {
    const options = balanced(LoadBalancing.SourceAddrHash);
    const { server } = await startLoops(t, telling, options, freeAddress(t, 'unix'));
    const landed = await landMany(t, server, 3);
    assert.deepEqual(loopsOf(landed), [1, 1, 1]);
    assert.deepEqual(new Set(landed.map(({ remoteAddr }) => remoteAddr)), new Set(['@']));
  });

  test('many at once: RoundRobin and LeastConnections are even', async (t) => {
    for (const loadBalancing of [LoadBalancing.RoundRobin, LoadBalancing.LeastConnections]) {
      const { server } = await startLoops(t, telling, { numEventLoop: 4, loadBalancing });
      await Promise.all(Array.from({ length: 400 }, () => land(t, server)));
      const counts = server.stats().loops.map(({ connections }) => connections);
      assert.equal(server.countConnections(), 400);
      assert.ok(Math.max(...counts) / Math.min(...counts) <= 1.2, String(counts));
    }
  });

  test('maxConnections: full loops get no more, and what waits comes when there is room', async (t) => {
    const { server } = await startLoops(t, telling, { numEventLoop: 2, maxConnections: 2 });
    const first = await landMany(t, server, 4);
    assert.deepEqual(
      server.stats().loops.map(({ connections }) => connections),
      [2, 2],
    );
    const waiting = land(t, server);
    first[3]?.client.end();
    assert.equal((await waiting).loop, 1);
  });
});
