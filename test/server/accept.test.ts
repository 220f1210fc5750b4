/** Accepting that survives: no descriptors left, limits, storms (issue 2, part 7). */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import type { Conn, EventHandler, LoopStats } from 'gnet';
import { RawClient } from 'gnet/testing';
import { openDescriptors } from '../support/descriptors.ts';
import { kernelSpreads, notOn } from '../support/driver.ts';
import { nodeFlags, Program } from '../support/program.ts';
import {
  connect,
  EchoHandler,
  freeAddress,
  startRig,
  streamTransports,
  type TestScope,
  text,
} from '../support/rig.ts';
import { settle, waitUntil } from '../support/wait-until.ts';

async function statsThrough(client: RawClient): Promise<LoopStats> {
  client.write('stats');
  let line = '';
  while (!line.endsWith('\n')) line += text(await client.readExactly(1));
  return JSON.parse(line) as LoopStats;
}

describe('a process without descriptors', () => {
  for (const loops of [1, 2]) {
    const several = loops === 1 ? { skip: false } : notOn('node', kernelSpreads);
    test(`gives an address up, and goes on with the other: ${loops} loops`, several, async (t) => {
      const program = limitedTo(t, 100, 'gives-address-up', [`${loops}`]);
      const [stays, goes] = (await program.line(/full, on (\S+) and (\S+)/)) as [string, string];
      const waits = RawClient.begin(goes); // in the backlog
      t.after(() => waits.destroy());
      await program.line(/left (\S+)\n/);
      for (let count = 0; count < 3; count++) {
        const client = await connect(t, stays);
        client.write('hello');
        assert.equal(text(await client.readExactly(5)), 'hello');
        client.end();
        await client.readUntilEnd();
      }
      program.kill('SIGTERM');
      const { code, output } = await program.ending();
      assert.equal(code, 0, output);
    });
  }
});

test('upgradeTls without a descriptor to load TLS with: a typed error, and it can be tried again', async (t) => {
  const program = limitedTo(t, 100, 'upgrades-without-descriptors');
  const [address] = (await program.line(/listening on (\S+)/)) as [string];
  const client = await connect(t, address);
  for (const [asks, expected] of [
    ['full', 'SyscallError EMFILE\n'],
    ['once more', 'ErrInvalidOption ErrInvalidOption\n'],
  ] as const) {
    client.write(asks);
    let answer = '';
    while (!answer.endsWith('\n')) answer += text(await client.readExactly(1));
    assert.equal(answer, expected);
  }
});

/** A program of the tests that may have so many descriptors. */
function limitedTo(
  t: TestScope,
  descriptors: number,
  name: string,
  args: readonly string[] = [],
): Program {
  const script = `ulimit -n ${descriptors}; exec "$@"`;
  const file = `test/server/programs/${name}.ts`;
  const all = ['-c', script, 'sh', process.execPath, ...nodeFlags, file, ...args];
  return new Program(t, 'sh', all, {});
}

describe('a process with 64 descriptors and 500 connects', () => {
  const sheds = notOn('node', 'out of descriptors, the runtime turns callers away by itself');
  test('serves those it has, rests, does not spin, and gets to all of them', sheds, async (t) => {
    const program = limitedTo(t, 64, 'count-loop');
    const begunAt = performance.now();
    const [address] = (await program.line(/listening on (\S+)/)) as [string];
    const first = await connect(t, address);
    const clients: RawClient[] = [];
    for (let count = 0; count < 500; count++) {
      const client = RawClient.begin(address);
      t.after(() => client.destroy());
      client.write('x');
      clients.push(client);
    }
    const served = (): RawClient[] => clients.filter((client) => client.receivedBytes > 0);
    await waitUntil(() => clients.every((client) => client.connected), 'the kernel took them all');
    let stats = await statsThrough(first);
    while (stats.acceptRests === 0) stats = await statsThrough(first);
    // What it answered before these has arrived as well.
    await statsThrough(first);
    await settle(50);
    const servedAtFirst = served().length;
    assert.ok(servedAtFirst > 0 && servedAtFirst < 64, `${servedAtFirst} were served`);

    const before = await statsThrough(first);
    await settle(400);
    const after = await statsThrough(first);
    assert.equal(served().length, servedAtFirst, 'there is room for no more');
    // A spin makes tens of thousands.
    assert.ok(after.waits - before.waits < 1_000, `${after.waits - before.waits} waits`);
    assert.ok(after.acceptRests - before.acceptRests < 50);

    // Whoever has been served goes: the rest must follow by itself.
    const gone = new Set<RawClient>();
    while (gone.size < clients.length) {
      await waitUntil(() => served().length > gone.size, `more than ${gone.size} served`);
      for (const client of served()) {
        if (gone.has(client)) continue;
        gone.add(client);
        client.destroy();
      }
    }
    assert.deepEqual(new Set(clients.map((client) => client.broken)), new Set([undefined]));
    first.write('still here');
    assert.equal(text(await first.readExactly(10)), 'still here');
    first.end();
    program.kill('SIGTERM');
    const { code, output } = await program.ending();
    assert.equal(code, 0);
    // Hundreds of rests; a line at once, one a second, one at the end.
    const lines = output.match(/accepting rests/g)?.length ?? 0;
    const seconds = Math.ceil((performance.now() - begunAt) / 1_000);
    assert.ok(lines > 0 && lines <= seconds + 2, `${lines} lines in ${seconds} s`);
  });
});

for (const transport of streamTransports) {
  describe(`${transport}: limits`, () => {
    test('maxConnections: the rest waits in the backlog and follows', async (t) => {
      const rig = await startRig(
        t,
        { react: (frame) => frame },
        { maxConnections: 3 },
        freeAddress(t, transport),
      );
      const clients = await Promise.all(Array.from({ length: 7 }, () => connect(t, rig)));
      for (const client of clients) client.write('x');
      const open = new Set(clients);
      const served = (): RawClient[] => [...open].filter((client) => client.receivedBytes > 0);
      while (open.size > 0) {
        const expected = Math.min(3, open.size);
        await waitUntil(() => served().length === expected, `${expected} are served`);
        await settle(10);
        assert.equal(served().length, expected);
        assert.equal(rig.server.countConnections(), expected);
        const [leaving] = served() as [RawClient];
        open.delete(leaving);
        leaving.end();
        await leaving.readUntilEnd();
      }
      await waitUntil(() => rig.server.countConnections() === 0, 'all are gone');
      assert.equal(rig.events.filter((event) => event === 'open').length, 7);
    });

    test('maxConnections: what the loop dials counts', async (t) => {
      const target = await startRig(t, new EchoHandler());
      const handler: EventHandler = { react: (frame) => frame };
      const rig = await startRig(t, handler, { maxConnections: 2 }, freeAddress(t, transport));
      const first = await connect(t, rig);
      first.write('x');
      await first.readExactly(1);
      const [loop] = rig.server.loops;
      const dialled = await loop?.register(`tcp://${target.server.addr}`);
      const second = await connect(t, rig);
      second.write('y');
      await settle(20);
      assert.equal(rig.server.countConnections(), 2);
      assert.equal(second.receivedBytes, 0);
      dialled?.close();
      assert.equal(text(await second.readExactly(1)), 'y');
    });

    test('a full server does not spin on the connections that wait', async (t) => {
      const address = freeAddress(t, transport);
      const rig = await startRig(t, {}, { maxConnections: 1 }, address);
      for (let count = 0; count < 5; count++) await connect(t, rig);
      await waitUntil(() => rig.server.countConnections() === 1, 'one is in');
      await settle(20);
      const waits = (): number => rig.server.stats().loops[0]?.waits ?? 0;
      const before = waits();
      await settle(200);
      // A spin makes tens of thousands.
      assert.ok(waits() - before < 1_000, `${waits() - before} waits`);
    });

    test('a storm of 300 connects: all are served, and so is the one that was there', async (t) => {
      const rig = await startRig(t, { react: (frame) => frame }, {}, freeAddress(t, transport));
      const old = await connect(t, rig);
      await waitUntil(() => rig.server.countConnections() === 1, 'the old one');
      const storm = Array.from({ length: 300 }, async (_, number) => {
        const client = await connect(t, rig);
        client.write(`number ${number}`);
        const answer = text(await client.readExactly(`number ${number}`.length));
        assert.equal(answer, `number ${number}`);
        client.destroy();
      });
      for (let round = 0; round < 20; round++) {
        old.write('x');
        await old.readExactly(1);
      }
      await Promise.all(storm);
      await waitUntil(() => rig.server.countConnections() === 1, 'the storm is over');
      assert.equal(rig.server.stats().loops[0]?.accepted, 301);
    });
  });
}

describe('backlog and stop', () => {
  const accepts = notOn('node', 'the runtime accepts what waits before it is told how many may');
  test('backlog: a Unix socket refuses what does not fit', accepts, async (t) => {
    const address = freeAddress(t, 'unix');
    const rig = await startRig(t, {}, { maxConnections: 1, backlog: 2 }, address);
    await connect(t, rig);
    await waitUntil(() => rig.server.countConnections() === 1, 'one is in');
    const waiting = [await connect(t, rig), await connect(t, rig), await connect(t, rig)];
    await assert.rejects(connect(t, rig), { code: 'EAGAIN' });
    assert.equal(waiting.length, 3);
  });

  test('what waits in the backlog when the server stops is told goodbye', async (t) => {
    const handler: EventHandler = { signalClose: (c: Conn) => void c.asyncWrite('bye') };
    const rig = await startRig(t, handler, { maxConnections: 2 });
    const clients = await Promise.all(Array.from({ length: 5 }, () => connect(t, rig)));
    await waitUntil(() => rig.server.countConnections() === 2, 'two are in');
    const stopped = rig.server.stop();
    const words = clients.map(async (client) => {
      const bytes = await client.readUntilEnd();
      client.end();
      return text(bytes);
    });
    assert.deepEqual(await Promise.all(words), ['bye', 'bye', 'bye', 'bye', 'bye']);
    assert.deepEqual(await stopped, { forced: 0 });
  });

  test('connections that are reset while they wait are nothing', async (t) => {
    const handler = new EchoHandler();
    const rig = await startRig(t, handler, { maxConnections: 1 });
    const first = await connect(t, rig);
    await waitUntil(() => rig.server.countConnections() === 1, 'one is in');
    for (let count = 0; count < 5; count++) (await connect(t, rig)).reset();
    const last = await connect(t, rig);
    last.write('x');
    first.end();
    assert.equal(text(await last.readExactly(1)), 'x');
    assert.deepEqual(rig.reports, []);
  });

  test('nobody gets in after stop', async (t) => {
    const rig = await startRig(t, {});
    await rig.server.stop();
    await assert.rejects(RawClient.connect(rig.server.addr), { code: 'ECONNREFUSED' });
  });
});

const resetEarly = `
  const net = require('node:net');
  const { workerData: { port, count, state } } = require('node:worker_threads');
  const words = new Int32Array(state);
  for (let number = 0; number < count; number++) {
    const socket = net.connect(port, '127.0.0.1');
    socket.on('connect', () => socket.write('x', () => socket.resetAndDestroy()));
    socket.on('close', () => {
      Atomics.add(words, 0, 1);
      Atomics.notify(words, 0);
    });
  }
`;

describe('accepting', () => {
  const asksLate = notOn('node', 'the runtime asks for the address when the peer is gone');
  test('peers that reset before they are accepted have an address', asksLate, async (t) => {
    const addresses: string[] = [];
    const rig = await startRig(t, {
      onOpened: (c) => void addresses.push(c.remoteAddr),
      onClosed: (c) => void addresses.push(c.remoteAddr),
    });
    const count = 20;
    const state = new SharedArrayBuffer(4);
    const port = Number(rig.server.addr.split(':')[1]);
    const worker = new Worker(resetEarly, { eval: true, workerData: { port, count, state } });
    t.after(() => worker.terminate());
    await once(worker, 'online');
    // The thread is busy meanwhile, as in a long handler.
    const words = new Int32Array(state);
    const giveUpAt = Date.now() + 10_000;
    for (let done = 0; done < count && Date.now() < giveUpAt; done = Atomics.load(words, 0)) {
      Atomics.wait(words, 0, done, 100);
    }
    await waitUntil(() => addresses.length === 2 * count, 'all were opened and closed');
    assert.deepEqual(
      addresses.filter((address) => !/^127\.0\.0\.1:\d+$/.test(address)),
      [],
    );
  });

  const acceptsAhead = notOn('node', 'the runtime accepts as many as `backlog` beyond the limit');
  test('does not run ahead of maxConnections', acceptsAhead, async (t) => {
    const before = openDescriptors().length;
    const rig = await startRig(t, new EchoHandler(), { maxConnections: 5 });
    const own = openDescriptors().length - before;
    const clients = Array.from({ length: 100 }, () => RawClient.begin(rig.server.addr));
    for (const client of clients) t.after(() => client.destroy());
    await waitUntil(() => clients.every((client) => client.connected), 'the kernel has them all');
    await waitUntil(() => rig.server.countConnections() === 5, 'as many as may be');
    await settle(50);
    assert.equal(rig.server.countConnections(), 5);
    const accepted = openDescriptors().length - before - own - clients.length;
    assert.ok(accepted <= 6, `${accepted} descriptors for 5 connections`);
    // Each that goes makes room for another.
    for (const client of clients) {
      client.write('x');
      await waitUntil(() => client.receivedBytes === 1 || client.closed, 'it is served');
      client.destroy();
    }
  });
});
