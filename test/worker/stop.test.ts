/** Stops of servers with several loops, of which one may not listen. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { RawClient } from 'gnet/testing';
import { connect, temporaryDirectory, text } from '../support/rig.ts';
import { kernelSpreads, notOn } from '../support/driver.ts';
import { notOverTls } from '../support/transport.ts';
import { settle, waitUntil } from '../support/wait-until.ts';
import { handlerModule, startLoops } from './pool-rig.ts';

test('a loop that is stuck holds up neither the others nor, for long, the stop', {
  skip:
    notOn('node', kernelSpreads).skip ||
    notOverTls('who comes to a loop that is stuck shakes no hands').skip,
}, async (t) => {
  const { server, reports } = await startLoops(t, handlerModule('sticks.ts'), {
    numEventLoop: 2,
  });
  const clients: RawClient[] = [];
  for (let count = 0; count < 4; count++) clients.push(await connect(t, server.addr));
  const loops = await Promise.all(
    clients.map(async (one) => (await one.readExactly(1)).toString()),
  );
  const stuck = clients.filter((_, index) => loops[index] === '0');
  const healthy = clients.filter((_, index) => loops[index] === '1');
  assert.equal(stuck.length, 2);
  stuck[0]?.write('stick');
  await settle(100);
  // On its way to the loop that will not take it.
  const late = [await connect(t, server.addr), await connect(t, server.addr)];
  const stopped = server.stop({ timeout: 1_000 });
  for (const client of healthy) {
    await client.readUntilEnd();
    client.end();
  }
  for (const client of late) client.end();
  const { forced, undone } = await stopped;
  assert.ok(forced >= 2, 'the connections of the stuck loop');
  assert.equal(undone?.lostLoops, 1);
  await waitUntil(() => stuck.every(({ ended, closed }) => ended || closed), 'their ends');
  assert.ok(
    reports.some(({ message }) => message === 'a loop does not answer; its thread is ended'),
  );
});

test('nor does one that is stuck when all that is left to do is to end it', async (t) => {
  const { server, reports } = await startLoops(t, handlerModule('sticks-at-the-end.ts'), {
    numEventLoop: 2,
  });
  const client = await connect(t, server.addr);
  assert.equal((await client.readExactly(5)).toString(), 'hello');
  const stopped = server.stop({ timeout: 1_000 });
  await client.readUntilEnd();
  client.end();
  const { undone } = await stopped;
  assert.equal(undone?.lostLoops, 1);
  assert.ok(
    reports.some(({ message }) => message === 'a loop does not answer; its thread is ended'),
  );
});

test('nor does one that took over from a dead one and is stuck before it runs', async (t) => {
  const path = join(temporaryDirectory(t), 'died');
  const module = handlerModule('sticks-when-restarted.ts', { path });
  const { server } = await startLoops(t, module, { numEventLoop: 2 });
  while (!existsSync(path)) {
    const client = await connect(t, server.addr);
    const loop = text(await client.readExactly(1));
    client.write('die');
    if (loop === '1') await waitUntil(() => existsSync(path), 'loop 1 dies');
    client.destroy();
  }
  await waitUntil(() => existsSync(`${path}.stuck`), 'its successor is stuck');
  await settle(50); // for the main thread to hear that it listens
  const { undone } = await server.stop({ timeout: 100 });
  assert.equal(undone?.lostLoops, 1);
});

test('a stop with a time limit that is none rejects where it was asked for, and ends nothing', async (t) => {
  const { server, reports } = await startLoops(t, handlerModule('stops-wrongly.ts'), {
    numEventLoop: 2,
  });
  const client = await connect(t, server.addr);
  await client.readExactly(1);
  client.write('wrong');
  assert.equal(text(await client.readExactly(16)), 'ErrInvalidOption');
  client.write('still here');
  assert.equal(text(await client.readExactly(10)), 'still here');
  assert.deepEqual(reports, []);
});
