/** What several loops do together: who gets a connection, who may write to it, what adds up. */
import assert from 'node:assert/strict';
import { closeSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { MessageChannel, Worker } from 'node:worker_threads';
import { crc32 } from 'node:zlib';
import { LoadBalancing, type Options, type Server } from 'gnet';
import type { RawClient } from '../../testing/raw-client.ts';
import { kernelSpreads, noDescriptors, notOn } from '../support/driver.ts';
import { assertNoNewDescriptors, openDescriptors } from '../support/descriptors.ts';
import { connect, temporaryDirectory, type TestScope, text } from '../support/rig.ts';
import { settle, waitUntil } from '../support/wait-until.ts';
import { freeAddress, handlerModule, startLoops } from './pool-rig.ts';

const telling = handlerModule('loops.ts');

interface Landed {
  readonly client: RawClient;
  readonly loop: number;
  readonly id: number;
  readonly remoteAddr: string;
}

/** Connects and hears where it landed. */
async function land(t: TestScope, server: Server): Promise<Landed> {
  return hear(await connect(t, server.addr));
}

async function hear(client: RawClient): Promise<Landed> {
  let line = '';
  while (!line.endsWith('\n')) line += text(await client.readExactly(1));
  const [loop, id, remoteAddr] = line.trimEnd().split(' ') as [string, string, string];
  return { client, loop: Number(loop), id: Number(id), remoteAddr };
}

async function landMany(t: TestScope, server: Server, count: number): Promise<Landed[]> {
  const all: Landed[] = [];
  for (let one = 0; one < count; one++) all.push(await land(t, server));
  return all;
}

/** One connection of each loop, whoever decides where they land. */
async function landInEach(t: TestScope, server: Server): Promise<Landed[]> {
  const found: Landed[] = [];
  while (Object.keys(found).length < server.numEventLoop) {
    const landed = await land(t, server);
    if (found[landed.loop] === undefined) found[landed.loop] = landed;
    else landed.client.destroy();
  }
  return found;
}

const loopsOf = (all: readonly Landed[]): number[] => all.map(({ loop }) => loop);

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

test('broadcast on a view of a server that ends, and has ended, is answered', async (t) => {
  const module = handlerModule('views.ts');
  const first = await startLoops(t, module, { numEventLoop: 2 });
  const second = await startLoops(t, module, { numEventLoop: 2 });
  const listener = await connect(t, first.server.addr);
  const clients: RawClient[] = [];
  for (let one = 0; one < 3; one++) clients.push(await connect(t, second.server.addr));
  for (const client of clients) {
    await client.readExactly(4);
    client.write('broadcast');
  }
  await waitUntil(() => listener.receivedBytes > 4, 'broadcasts arrive');
  await first.server.close();
  for (const client of clients) {
    assert.equal(text(await client.readExactly(25)), 'answered, the last with 0');
  }
});

describe('handles', () => {
  test('the main thread writes to, wakes and closes connections of every loop', async (t) => {
    const { server } = await startLoops(t, telling, { numEventLoop: 2 });
    for (const { client, id } of await landMany(t, server, 4)) {
      const handle = server.conn(id);
      await Promise.all([handle.write('one '), handle.write(Buffer.from('two '))]);
      handle.wake();
      assert.equal(text(await client.readExactly(13)), 'one two woken');
      handle.close();
      await client.readUntilEnd();
      client.end();
      await waitUntil(() => client.closed, 'closed');
      await assert.rejects(handle.write('late'), { code: 'ErrConnClosed' });
      handle.wake();
      handle.close();
    }
    assert.throws(() => server.conn(2 ** 52), { code: 'ErrConnClosed' });
    assert.throws(() => server.conn(-1), { code: 'ErrConnClosed' });
  });

  test('an id of another server is refused: its bytes must not reach somebody else', async (t) => {
    const rigs = [
      await startLoops(t, telling, { numEventLoop: 2 }),
      await startLoops(t, telling, { numEventLoop: 2 }),
    ];
    for (const [owner, { server }] of rigs.entries()) {
      for (const { id } of await landMany(t, server, 4)) {
        assert.equal(server.conn(id).id, id);
        assert.throws(() => rigs[1 - owner]?.server.conn(id), { code: 'ErrConnClosed' });
      }
    }
  });

  test('a loop writes to connections of others', async (t) => {
    const { server } = await startLoops(t, telling, { numEventLoop: 2 });
    const [one, two] = (await landInEach(t, server)) as [Landed, Landed];
    await waitUntil(() => server.countConnections() === 2, 'the others are gone');
    one.client.write(`to ${two.id}`);
    assert.equal(text(await two.client.readExactly(11)), 'from loop 0');
    assert.equal(text(await one.client.readExactly(7)), 'written');
    two.client.end();
    await two.client.readUntilEnd();
    await waitUntil(() => server.countConnections() === 1, 'closed');
    one.client.write(`to ${two.id}`);
    assert.equal(text(await one.client.readExactly(13)), 'ErrConnClosed');
  });

  test('a write of any size arrives whole', async (t) => {
    const { server } = await startLoops(t, telling, { numEventLoop: 2 });
    const { client, id } = await land(t, server);
    const handle = server.conn(id);
    for (const size of [0, 1, 16_383, 16_384, 16_385, 65_536, 5_000_000]) {
      const bytes = Buffer.alloc(size, 'abcdefg');
      const written = handle.write(bytes);
      const expected = Buffer.from(bytes);
      bytes.fill(0); // taken at the call
      const received = await client.readExactly(size);
      assert.ok(received.equals(expected), `${size} bytes`);
      await written;
    }
  });

  for (const numEventLoop of [1, 2]) {
    test(`a thread that received a handle, with ${numEventLoop} loops`, async (t) => {
      const { server } = await startLoops(t, telling, { numEventLoop });
      const { client, id } = await land(t, server);
      const thread = new Worker(new URL('./handlers/writes-by-handle.ts', import.meta.url));
      t.after(() => thread.terminate());
      const { port1, port2 } = new MessageChannel();
      t.after(() => port1.close());
      thread.postMessage({ handle: server.conn(id), port: port2 }, [port2]);
      assert.equal(text(await client.readExactly(10)), 'by threadw');
      const answer = new Promise<string>((resolve) => port1.once('message', resolve));
      client.end();
      assert.equal(await answer, 'ErrConnClosed');
    });
  }
});

describe('broadcast of what cannot be sent', () => {
  for (const numEventLoop of [1, 2]) {
    test(`it rejects, and no connection notices, with ${numEventLoop} loops`, async (t) => {
      const module = handlerModule('fixed-frames.ts');
      const { server, reports } = await startLoops(t, module, { numEventLoop });
      const clients: RawClient[] = [];
      for (let count = 0; count < 4; count++) {
        clients.push(await connect(t, server.addr));
        await waitUntil(() => server.countConnections() === count + 1, 'opened');
      }
      const refuse = (data: unknown, code: string): Promise<void> =>
        assert.rejects(server.broadcast(data as string), { code });
      await refuse('seven b', 'ErrInvalidFixedLength');
      await refuse(42, 'ErrInvalidReply');
      await refuse(undefined, 'ErrInvalidReply');
      await refuse(new Uint16Array(4), 'ErrInvalidReply');
      await refuse(() => 1, 'ErrInvalidReply');
      // The same from inside a loop.
      const [asking] = clients as [RawClient];
      for (const [given, answer] of [
        ['seven b', 'ErrInval'],
        ['number', 'ErrInval'],
      ] as const) {
        asking.write(given.padEnd(8));
        assert.equal(text(await asking.readExactly(8)), answer);
      }
      assert.equal(await server.broadcast('8 bytes.'), 4);
      for (const client of clients) assert.equal(text(await client.readExactly(8)), '8 bytes.');
      assert.equal(server.countConnections(), 4);
      assert.deepEqual(reports, []);
    });
  }
});
