/** Events run in the async context of whoever opened their connection: nobody sees another's store. */
import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, test } from 'node:test';
import { client as makeClient, type Conn, type EventHandler, FixedLengthFrameCodec } from 'gnet';
import { DatagramClient } from '../support/datagram-client.ts';
import { connect, startRig } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';

const storage = new AsyncLocalStorage<string>();

/** A handler whose every event notes the store it sees, and leaves another one behind. */
function marking(seen: string[]): EventHandler & { connections: Conn[] } {
  const mark = (event: string): void => {
    seen.push(`${event} ${storage.getStore()}`);
    storage.enterWith(`left by ${event}`);
  };
  const connections: Conn[] = [];
  return {
    connections,
    onOpened(c) {
      connections.push(c);
      mark('onOpened');
    },
    react(frame, c) {
      mark(frame === null ? 'wake' : 'react');
      c.asyncWrite('answer');
    },
    preWrite: () => mark('preWrite'),
    onDrain: () => mark('onDrain'),
    onEnd: () => mark('onEnd'),
    signalClose: () => mark('signalClose'),
    onClosed: () => mark('onClosed'),
    tick: () => mark('tick'),
  };
}

describe('AsyncLocalStorage', () => {
  test('what one event enters, no other sees: neither of its connection nor of others', async (t) => {
    const seen: string[] = [];
    const codec = new FixedLengthFrameCodec(6);
    const rig = await storage.run('server', () =>
      startRig(t, marking(seen), { codec, ticker: true, highWaterMark: 8, lowWaterMark: 4 }),
    );
    const clients = [await connect(t, rig), await connect(t, rig), await connect(t, rig)];
    for (const client of clients) {
      client.write('frame1frame2frame3');
      await client.readExactly(18);
    }
    clients[0]?.end();
    await waitUntil(() => seen.some((event) => event.startsWith('onClosed')), 'the first close');
    await waitUntil(() => seen.some((event) => event.startsWith('tick')), 'a tick');
    const stopped = rig.server.stop();
    for (const client of clients) {
      await client.readUntilEnd();
      client.end();
    }
    await stopped;
    const events = [
      'onOpened',
      'react',
      'preWrite',
      'onDrain',
      'onEnd',
      'signalClose',
      'onClosed',
      'tick',
    ];
    assert.deepEqual([...new Set(seen)].sort(), events.map((event) => `${event} server`).sort());
  });

  test('who writes to a connection, wakes it or closes it lends it no store', async (t) => {
    const seen: string[] = [];
    const handler = marking(seen);
    const rig = await startRig(t, handler);
    const clients = [await connect(t, rig), await connect(t, rig)] as const;
    await waitUntil(() => handler.connections.length === 2, 'two connections');
    const [first, second] = handler.connections as [Conn, Conn];
    for (let round = 0; round < 10; round++) {
      storage.run('secret', () => {
        first.asyncWrite('x');
        first.wake();
      });
      for (const client of clients) client.write('B');
      await sleep(2);
    }
    storage.run('secret', () => {
      first.close();
      second.close();
    });
    for (const client of clients) client.end();
    await waitUntil(() => rig.closeErrors.length === 2, 'both closed');
    const strange = seen.filter((event) => !event.endsWith(' undefined'));
    assert.deepEqual(strange, []);
  });

  test('a promise of react stays in its own context', async (t) => {
    const seen: string[] = [];
    const handler: EventHandler = {
      async react(frame) {
        storage.enterWith(String(frame));
        await sleep(5);
        seen.push(`${frame} ${storage.getStore()}`);
        return frame;
      },
    };
    const rig = await startRig(t, handler);
    const clients = await Promise.all(['a', 'b', 'c'].map(() => connect(t, rig)));
    for (const [index, client] of clients.entries()) client.write(String(index));
    for (const client of clients) await client.readExactly(1);
    assert.deepEqual(seen.sort(), ['0 0', '1 1', '2 2']);
  });

  test('connections of a client have the context of their dial', async (t) => {
    const rig = await startRig(t, { react: (frame) => frame });
    const seen: string[] = [];
    const dialling = await makeClient(marking(seen));
    t.after(() => dialling.close());
    for (const name of ['one', 'two']) {
      const c = await storage.run(name, () => dialling.dial(`tcp://${rig.server.addr}`));
      c.wake();
      await waitUntil(() => seen.includes(`wake ${name}`), 'the wake');
      c.close();
      await waitUntil(() => seen.includes(`onClosed ${name}`), 'onClosed');
    }
    assert.deepEqual(
      seen.filter((event) => !/ (one|two)$/.test(event)),
      [],
    );
  });

  test('datagrams: each in the context of the server', async (t) => {
    const seen: string[] = [];
    const rig = await storage.run('server', () =>
      startRig(t, marking(seen), {}, 'udp://127.0.0.1:0'),
    );
    const client = await DatagramClient.open(t);
    for (let count = 0; count < 5; count++) await client.send(rig.server.addr, 'x');
    await waitUntil(() => seen.filter((event) => event.startsWith('react')).length === 5, 'five');
    assert.deepEqual(
      seen.filter((event) => !event.endsWith(' server')),
      [],
    );
  });
});
