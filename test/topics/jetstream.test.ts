/** Topics over JetStream: whatever is killed, each message arrives once, in one order. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Conn } from 'gnet';
import { topics } from 'gnet/topics';
import { jetStreamBackplane } from 'gnet/topics/jetstream';
import { freePort } from '../support/free-port.ts';
import { missing } from '../support/outside-client.ts';
import type { Program } from '../support/program.ts';
import { connect, startRig, temporaryDirectory, type TestScope } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';
import { broker, type Listener, listener, startMember } from './topics-rig.ts';

interface Nats {
  readonly url: string;
  start(): Promise<Program>;
}

async function nats(t: TestScope): Promise<Nats> {
  const port = await freePort();
  const args = ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', temporaryDirectory(t)];
  const start = (): Promise<Program> => broker(t, 'nats-server', args, /Server is ready/);
  return { url: `jetstream://127.0.0.1:${port}`, start };
}

/** What came, without the positions that tell how far a client is. */
function texts(one: Listener): string[] {
  return one.heard.map((line) => line.slice(line.indexOf(' ') + 1));
}

function positionOf(one: Listener): number {
  return Number((one.heard.at(-1) ?? '0').split(' ')[0]);
}

/** Asks a loop that has just begun to stand in the stream: what comes from now on it hears. */
async function joins(one: Listener, name: string): Promise<void> {
  await one.subscribe(`joined/${name}`);
  await one.subscribe('room/#');
  one.ws.send(`joined/${name} ${name}`);
  await waitUntil(() => texts(one).includes(name), 'its loop stands in the stream');
  one.heard.length = 0;
}

describe('topics over JetStream', { skip: missing('nats-server') }, () => {
  test('a killed nats-server loses nothing and brings nothing twice', async (t) => {
    const { url, start } = await nats(t);
    const first = await start();
    const members = [await startMember(t, '1', url), await startMember(t, '2', url)] as const;
    const here = await listener(members[0].port);
    const there = await listener(members[1].port);
    await joins(here, 'here');
    await joins(there, 'there');
    here.heard.length = 0;
    there.heard.length = 0;
    const say = (part: string): void => {
      for (let count = 0; count < 30; count++) {
        here.ws.send(`room/1 ${part}${count} here`);
        there.ws.send(`room/2 ${part}${count} there`);
      }
    };
    const wanted = new Map<string, string[]>([
      ['here', []],
      ['there', []],
    ]);
    for (const part of ['before', 'away', 'after']) {
      for (let count = 0; count < 30; count++) {
        for (const [who, list] of wanted) list.push(`${part}${count} ${who}`);
      }
    }
    say('before');
    // Some are on their way into the stream, some out of it.
    await waitUntil(() => here.heard.length > 5, 'the first ones');
    first.kill('SIGKILL');
    await first.ending();
    say('away');
    await start();
    say('after');
    await waitUntil(() => here.heard.length >= 180 && there.heard.length >= 180, 'all of them');
    const order = texts(here);
    assert.deepEqual(order, texts(there), 'one order for all');
    for (const [who, list] of wanted) {
      assert.deepEqual(
        order.filter((text) => text.endsWith(` ${who}`)),
        list,
        `once, by ${who}`,
      );
    }
    for (const { ws } of [here, there]) ws.close();
  });

  test('who comes to another process or loop gets what it missed, once', async (t) => {
    const { url, start } = await nats(t);
    await start();
    const doomed = await startMember(t, '1', url);
    const { port } = await startMember(t, '2', url);
    const speaker = await listener(port);
    await joins(speaker, 'speaker');
    const before = await listener(doomed.port);
    await joins(before, 'before');
    const words = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, index) => `word${from + index}`);
    for (const word of words(0, 5)) speaker.ws.send(`room/1 ${word}`);
    await waitUntil(() => before.heard.length === 5, 'the first five');
    doomed.program.kill('SIGKILL');
    await waitUntil(() => before.state.isClosed, 'its server has gone');
    // More than a loop keeps in memory: the rest is in the stream.
    for (const word of words(5, 60)) speaker.ws.send(`room/1 ${word}`);
    speaker.ws.send('room/other word');
    // A client that does not know whether its message arrived says it again.
    for (let again = 0; again < 3; again++) speaker.ws.send('!an-id room/1 once');
    const resume = async (at: string, position: number, end: string): Promise<Listener> => {
      const after = await listener(at);
      after.ws.send(`=room/1 ${position}`);
      await waitUntil(() => texts(after).at(-1) === end, 'the rest');
      return after;
    };
    await waitUntil(() => texts(speaker).at(-1) === 'once', 'what it said');
    const after = await resume(port, positionOf(before), 'once');
    assert.deepEqual(texts(after), [...words(5, 60), 'once']);
    // A thread dies with its clients; they come to another, or to the one in its place.
    after.ws.send('die');
    await waitUntil(() => after.state.isClosed, 'its loop has died');
    const again = await listener(port);
    await joins(again, 'again');
    for (const word of words(60, 70)) again.ws.send(`room/1 ${word}`);
    const back = await resume(port, positionOf(after), 'word69');
    assert.deepEqual(texts(back), words(60, 70));
    // From there on it hears what comes, behind what was before.
    again.ws.send('room/1 last');
    await waitUntil(() => texts(back).at(-1) === 'last', 'the last');
    assert.deepEqual(texts(back), [...words(60, 70), 'last']);
    for (const { ws } of [back, again]) ws.close();
  });

  test('a replay gives the latest of a topic and those below it, in one order', async (t) => {
    const { url, start } = await nats(t);
    await start();
    const limits = { recent: 1, replayMax: 30 };
    const backplane = jetStreamBackplane(url.replace('jetstream', 'nats'), limits);
    const hub = topics('latest', { backplane, encode: ({ data }) => `${data}\n` });
    t.after(() => hub.close());
    const conns: Conn[] = [];
    const rig = await startRig(t, { onOpened: (c) => void conns.push(c) });
    const subscribe = async (filter: string) => {
      const before = conns.length;
      const client = await connect(t, rig);
      await waitUntil(() => conns.length > before, 'it is there');
      await hub.resume(conns.at(-1) as Conn, filter, 0);
      return client;
    };
    const first = await subscribe('#');
    const said = Array.from({ length: 90 }, (_, index) => `word${index + 10}\n`);
    for (const [index, word] of said.entries()) {
      hub.publish(['a', 'a/b', 'other'][index % 3] as string, word.trim());
    }
    assert.equal(String(await first.readExactly(said.join('').length)), said.join(''));
    const second = await subscribe('a/#');
    const wanted = said.filter((_, index) => index % 3 !== 2).slice(-limits.replayMax);
    hub.publish('a', 'last');
    const all = [...wanted, 'last\n'].join('');
    assert.equal(String(await second.readExactly(all.length)), all);
  });
});
