/** What several loops do together: one server, one stop, counters that add up. */
import assert from 'node:assert/strict';
import { closeSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { describe, test } from 'node:test';
import { noDescriptors, kernelSpreads, notOn } from '../support/driver.ts';
import { assertNoNewDescriptors, openDescriptors } from '../support/descriptors.ts';
import { connect, text } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';
import { type Landed, land, landInEach, landMany, loopsOf, telling } from './landing.ts';
import { freeAddress, startLoops } from './pool-rig.ts';

describe('one server over several loops', () => {
  test('counts and counters add up, and stop says goodbye in every loop', async (t) => {
    const before = openDescriptors();
    const { server, reports } = await startLoops(t, telling, { numEventLoop: 3 });
    const landed = await landMany(t, server, 6);
    for (const { client } of landed) {
      client.write('hello');
      assert.equal(text(await client.readExactly(5)), 'hello');
    }
    assert.equal(server.countConnections(), 6);
    const asked = landed[0] as Landed;
    asked.client.write('count');
    assert.equal(text(await asked.client.readExactly(1)), '6');
    await waitUntil(() => {
      const loops = server.stats().loops;
      return loops.reduce((sum, { bytesReceived }) => sum + bytesReceived, 0) === 35;
    }, 'every byte is counted');
    assert.equal(await server.broadcast('all'), 6);
    for (const { client } of landed) assert.equal(text(await client.readExactly(3)), 'all');
    const stopped = server.stop();
    for (const { client } of landed) {
      assert.equal(text(await client.readUntilEnd()), 'bye');
      client.end();
    }
    assert.deepEqual(await stopped, { forced: 0 });
    assert.deepEqual(reports, []);
    await assertNoNewDescriptors(before);
  });

  test('stop forces what does not end, and says how many', async (t) => {
    const { server } = await startLoops(t, telling, { numEventLoop: 2 });
    await landMany(t, server, 3);
    assert.deepEqual(await server.stop({ timeout: 50 }), { forced: 3 });
    assert.deepEqual(await server.stop(), { forced: 3 });
  });

  test('a loop may stop the server', async (t) => {
    const { server } = await startLoops(t, telling, { numEventLoop: 2 });
    const { client } = await land(t, server);
    client.write('stop');
    assert.equal(text(await client.readUntilEnd()), 'bye');
    client.end();
    await server.closed;
  });

  test('lockOSThread: each loop has one CPU, and the main thread all of them', async (t) => {
    const { server } = await startLoops(t, telling, { numEventLoop: 2, lockOSThread: true });
    const cpus: string[] = [];
    for (const { client } of await landInEach(t, server)) {
      client.write('cpus');
      let line = '';
      while (!line.endsWith('\n')) line += text(await client.readExactly(1));
      assert.match(line, /^\d+\n$/);
      cpus.push(line.trim());
    }
    if (availableParallelism() > 1) assert.notEqual(cpus[0], cpus[1]);
    const own = readFileSync('/proc/thread-self/status', 'latin1');
    if (availableParallelism() > 1) assert.doesNotMatch(own, /^Cpus_allowed_list:\s*\d+$/m);
  });

  for (const reusePort of [false, true]) {
    test(`dupFd with reusePort ${reusePort}`, notOn('node', noDescriptors), async (t) => {
      const { server } = await startLoops(t, telling, { numEventLoop: 2, reusePort });
      const duplicate = server.dupFd();
      assert.ok(duplicate > 2);
      closeSync(duplicate);
      const { client } = await land(t, server);
      client.write('dup');
      assert.equal(text(await client.readExactly(10)), 'duplicated');
      client.end();
      await server.stop();
      assert.throws(() => server.dupFd(), { code: 'ErrServerInShutdown' });
    });
  }

  test(
    'several addresses, and several servers on the same threads',
    notOn('node', kernelSpreads),
    async (t) => {
      const addresses = ['tcp://127.0.0.1:0', freeAddress(t, 'unix'), 'udp://127.0.0.1:0'];
      const one = await startLoops(t, telling, { numEventLoop: 2 }, addresses);
      const two = await startLoops(t, telling, { numEventLoop: 3 });
      assert.equal(one.server.addrs.length, 3);
      assert.deepEqual(loopsOf(await landMany(t, two.server, 3)), [0, 1, 2]);
      const overUnix = await connect(t, one.server.addrs[1] as string);
      assert.match(text(await overUnix.readExactly(1)), /^0$/);
      await one.server.close();
      assert.deepEqual(loopsOf(await landMany(t, two.server, 3)), [0, 1, 2]);
    },
  );
});
