/** From where datagrams are answered, and what is known of those that nobody received. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Conn, EventHandler, LoopStats } from 'gnet';
import { DatagramClient } from '../support/datagram-client.ts';
import { driverName, notOn } from '../support/driver.ts';
import { type Rig, startRig, text } from '../support/rig.ts';
import { settle, waitUntil } from '../support/wait-until.ts';

const notTold = notOn('node', 'its sockets neither tell nor choose the address of a datagram');
const portOf = (rig: Rig): string => /:(\d+)$/.exec(rig.server.addr)?.[1] ?? '';
const statsOf = (rig: Rig): LoopStats => rig.server.stats().loops[0] as LoopStats;

/** Answers with the frame itself, with bytes, with a promise and from a timer, as it is asked. */
const answers: EventHandler = {
  react(frame, c) {
    const how = String(frame);
    if (how === 'frame') return frame;
    if (how === 'bytes') return 'bytes';
    if (how === 'promise') return settle(1).then(() => 'promise');
    setTimeout(() => c.sendTo(how), 1);
    return undefined;
  },
};

describe('an answer leaves from the address that was asked', () => {
  for (const address of ['udp4://:0', 'udp://:0', 'udp://0.0.0.0:0']) {
    test(`${address}, whichever way it is given`, notTold, async (t) => {
      const rig = await startRig(t, answers, {}, address);
      const client = await DatagramClient.open(t);
      // The first is the one that the kernel would pick for all of them.
      for (const host of ['127.0.0.1', '127.0.0.2', '127.8.9.10', '127.0.0.2']) {
        for (const how of ['frame', 'bytes', 'promise', 'timer']) {
          client.senders.length = 0;
          await client.send(`${host}:${portOf(rig)}`, how);
          assert.equal(text(await client.next()), how);
          const [{ address: from, port } = { address: '', port: 0 }] = client.senders;
          assert.equal(`${from}:${port}`, `${host}:${portOf(rig)}`, how);
        }
      }
      assert.deepEqual(rig.reports, []);
    });
  }

  test('so a connected client hears it', notTold, async (t) => {
    const rig = await startRig(t, answers, {}, 'udp://:0');
    const client = await DatagramClient.open(t);
    await new Promise<void>((resolve) => {
      client.socket.connect(Number(portOf(rig)), '127.0.0.2', resolve);
    });
    client.socket.send('frame');
    assert.equal(text(await client.next()), 'frame');
  });

  for (const address of ['udp4://:0', 'udp://:0']) {
    test(`${address}, also in a session that was asked at another since`, notTold, async (t) => {
      const waiting: (() => void)[] = [];
      const handler: EventHandler = {
        onOpened(c: Conn) {
          c.context = 0;
        },
        async react(frame, c) {
          c.context = Number(c.context) + 1;
          const count = String(c.context);
          const asked = String(frame);
          await new Promise<void>((resolve) => waiting.push(resolve));
          return `${asked} ${count}`;
        },
      };
      const rig = await startRig(t, handler, { udpSessions: true }, address);
      const client = await DatagramClient.open(t);
      const hosts = ['127.0.0.1', '127.0.0.2', '127.0.0.1'];
      for (const [index, host] of hosts.entries()) {
        await client.send(`${host}:${portOf(rig)}`, host);
        await waitUntil(() => waiting.length === index + 1, 'the datagram');
      }
      assert.equal(statsOf(rig).datagramSessions, 2);
      for (const answer of waiting) answer();
      await waitUntil(() => client.received.length === 3, 'the answers');
      const answers = client.received.map(
        (data, index) => `${client.senders[index]?.address}: ${text(data)}`,
      );
      assert.deepEqual(answers.sort(), [
        '127.0.0.1: 127.0.0.1 1',
        '127.0.0.1: 127.0.0.1 2',
        '127.0.0.2: 127.0.0.2 1',
      ]);
      assert.deepEqual(rig.reports, []);
    });
  }

  test('to datagrams of one batch that were sent to different ones', notTold, async (t) => {
    const rig = await startRig(t, answers, {}, 'udp://:0');
    const client = await DatagramClient.open(t);
    const hosts = Array.from({ length: 40 }, (_, index) => `127.0.0.${1 + (index % 4)}`);
    await Promise.all(hosts.map((host) => client.send(`${host}:${portOf(rig)}`, 'frame')));
    await waitUntil(() => client.senders.length === hosts.length, 'the answers');
    assert.deepEqual(
      client.senders.map(({ address }) => address),
      hosts,
    );
  });

  test('IPv6, with IPv4 on the same socket', notTold, async (t) => {
    const seen: string[] = [];
    const handler: EventHandler = {
      react(frame, c) {
        seen.push(c.localAddr);
        return frame;
      },
    };
    const rig = await startRig(t, handler, {}, 'udp://:0');
    const port = portOf(rig);
    for (const [family, host] of [
      [6, '[::1]'],
      [4, '127.0.0.3'],
    ] as const) {
      const client = await DatagramClient.open(t, family);
      await client.send(`${host}:${port}`, 'x');
      await client.next();
    }
    assert.deepEqual(seen, [`[::1]:${port}`, `127.0.0.3:${port}`]);
  });

  test('behind a broadcast it is the address of the interface', notTold, async (t) => {
    for (const address of ['udp4://:0', 'udp://:0']) {
      const locals: string[] = [];
      const handler: EventHandler = {
        react(frame, c) {
          locals.push(c.localAddr);
          return frame;
        },
      };
      const rig = await startRig(t, handler, {}, address);
      const client = await DatagramClient.open(t);
      client.socket.setBroadcast(true);
      await client.send(`127.255.255.255:${portOf(rig)}`, 'x');
      assert.equal(text(await client.next()), 'x');
      assert.equal(client.senders[0]?.address, '127.0.0.1');
      assert.deepEqual(locals, [`127.0.0.1:${portOf(rig)}`]);
    }
  });
});

describe('localAddr of a datagram', () => {
  async function localOf(client: DatagramClient, address: string): Promise<string> {
    await client.send(address, 'x');
    return text(await client.next());
  }
  const tells: EventHandler = { react: (_frame, c: Conn) => c.localAddr };

  test('says which address was asked', notTold, async (t) => {
    const rig = await startRig(t, tells, {}, 'udp4://:0');
    const client = await DatagramClient.open(t);
    for (const host of ['127.0.0.1', '127.0.0.2']) {
      const address = `${host}:${portOf(rig)}`;
      assert.equal(await localOf(client, address), address);
    }
  });

  test('is what the server is bound to where there is only that', async (t) => {
    const rig = await startRig(t, tells, {}, 'udp://127.0.0.2:0');
    const client = await DatagramClient.open(t);
    assert.equal(await localOf(client, rig.server.addr), rig.server.addr);
  });

  test('is the wildcard on the driver node', async (t) => {
    const rig = await startRig(t, tells, {}, 'udp4://:0');
    const client = await DatagramClient.open(t);
    const address = `127.0.0.1:${portOf(rig)}`;
    const expected = driverName === 'node' ? `0.0.0.0:${portOf(rig)}` : address;
    assert.equal(await localOf(client, address), expected);
  });
});

describe('stats() of datagrams', () => {
  const sent = 2_000;

  /** Sends them all before the loop, which lives in this thread, has a turn. */
  async function flood(t: Parameters<typeof startRig>[0], bytes: number): Promise<Rig> {
    const rig = await startRig(t, {}, { socketRecvBuffer: 32_768 }, 'udp://127.0.0.1:0');
    const client = await DatagramClient.open(t);
    const data = Buffer.alloc(bytes);
    const before = statsOf(rig);
    assert.equal(before.datagramsReceived, 0);
    assert.equal(before.datagramsOverflowed, 0);
    await Promise.all(Array.from({ length: sent }, () => client.send(rig.server.addr, data)));
    return rig;
  }

  for (const bytes of [10, 10_000]) {
    const name = `${bytes} bytes: what was received and what was dropped are all that were sent`;
    test(name, notOn('node', 'the kernel does not tell it what was dropped'), async (t) => {
      const rig = await flood(t, bytes);
      const all = (): boolean => {
        const { datagramsReceived, datagramsOverflowed } = statsOf(rig);
        return datagramsReceived + datagramsOverflowed === sent;
      };
      await waitUntil(all, 'both counts make up what was sent');
      assert.ok(statsOf(rig).datagramsOverflowed > 0, 'some had no room');
      assert.equal(statsOf(rig).bytesReceived, statsOf(rig).datagramsReceived * bytes);
    });
  }

  test('datagramsReceived counts what the handler was given', async (t) => {
    let given = 0;
    const rig = await startRig(t, { react: () => void given++ }, {}, 'udp://127.0.0.1:0');
    const client = await DatagramClient.open(t);
    for (let count = 0; count < 5; count++) await client.send(rig.server.addr, '');
    await waitUntil(() => given === 5, 'five datagrams');
    assert.equal(statsOf(rig).datagramsReceived, 5);
  });
});
