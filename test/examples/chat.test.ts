/** examples/chat: whatever is killed, clients come back, and hear everything once, in one order. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChatClient } from '../../examples/chat/client.ts';
import type { Heard } from '../../examples/chat/messages.ts';
import { freePort } from '../support/free-port.ts';
import { missing } from '../support/outside-client.ts';
import { nodeFlags, Program } from '../support/program.ts';
import { temporaryDirectory, type TestScope } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';

interface Member {
  readonly heard: Heard[];
  here: number;
  aways: number;
  readonly client: ChatClient;
}

function join(t: TestScope, name: string, urls: readonly string[]): Member {
  const heard: Heard[] = [];
  const client = new ChatClient(urls, name, 'garden', {
    said: (message) => void heard.push(message),
    here(count) {
      member.here = count;
    },
    away() {
      member.aways++;
    },
  });
  const member: Member = { heard, here: 0, aways: 0, client };
  t.after(() => client.close());
  return member;
}

async function startServer(t: TestScope, nats: string, port: number): Promise<Program> {
  const flags = ['--import', './test/support/loop-death.ts', ...nodeFlags];
  const args = ['examples/chat/server.ts', `--port=${port}`, '--host=127.0.0.1', '--loops=2'];
  const env = { ...process.env, ...(nats !== '' && { NATS: nats }) };
  const program = new Program(t, process.execPath, [...flags, ...args], { env });
  await program.line(/listening on/);
  return program;
}

function talk(members: readonly Member[], said: string[], what: string): void {
  for (const [index, { client }] of members.entries()) {
    for (let count = 0; count < 3; count++) {
      const text = `${what} ${index} ${count}`;
      said.push(text);
      client.say(text);
    }
  }
}

/** Everything that was ever said, once. */
async function allHear(members: readonly Member[], said: readonly string[]): Promise<void> {
  const hasAll = () => members.every(({ heard }) => heard.length >= said.length);
  await waitUntil(hasAll, 'everyone has heard everything');
  const order = members[0]?.heard.map(({ position }) => position);
  for (const { heard } of members) {
    assert.deepEqual(heard.map(({ text }) => text).sort(), [...said].sort(), 'each once');
    assert.deepEqual(
      heard.map(({ position }) => position),
      order,
      'in one order',
    );
  }
}

/** The address to use, and what clients are told. */
async function front(t: TestScope, ports: readonly number[]): Promise<readonly string[]> {
  if (missing('haproxy') !== false) return ports.map((port) => `ws://127.0.0.1:${port}`);
  const port = await freePort();
  const env = {
    ...process.env,
    CHAT_BIND: `127.0.0.1:${port}`,
    CHAT_ONE: `127.0.0.1:${ports[0]}`,
    CHAT_TWO: `127.0.0.1:${ports[1]}`,
  };
  const program = new Program(t, 'haproxy', ['-db', '-f', 'examples/chat/haproxy.cfg'], { env });
  assert.ok(program.pid > 0);
  return [`ws://127.0.0.1:${port}`];
}

test('a server, the loops of another and NATS are killed, and the chat goes on', {
  skip: missing('nats-server'),
}, async (t) => {
  const [natsPort, ...ports] = [await freePort(), await freePort(), await freePort()];
  const nats = ['-a', '127.0.0.1', '-p', String(natsPort), '-js', '-sd', temporaryDirectory(t)];
  const startNats = async (): Promise<Program> => {
    const program = new Program(t, 'nats-server', nats, {});
    await program.line(/Server is ready/);
    return program;
  };
  const firstNats = await startNats();
  const start = (port: number) => startServer(t, `nats://127.0.0.1:${natsPort}`, port);
  const [one, two] = await Promise.all(ports.map(start));
  const urls = await front(t, ports);
  const members = ['Ada', 'Ben', 'Cid', 'Dot'].map((name) => join(t, name, urls));
  const said: string[] = [];
  await waitUntil(() => members.every(({ here }) => here === 4), 'all see four');
  talk(members, said, 'before');
  await allHear(members, said);

  one?.kill('SIGKILL');
  talk(members, said, 'server killed');
  await allHear(members, said);
  const aways = (): number => members.reduce((sum, member) => sum + member.aways, 0);
  assert.ok(aways() > 0, 'some were there');

  const before = aways();
  two?.kill('SIGWINCH');
  await waitUntil(() => aways() >= before + members.length, 'the loops die');
  talk(members, said, 'loops killed');
  await allHear(members, said);

  firstNats.kill('SIGKILL');
  await firstNats.ending();
  talk(members, said, 'NATS killed');
  await startNats();
  await allHear(members, said);

  // Who comes later hears what was said before.
  const late = join(t, 'Eve', urls);
  await allHear([...members, late], said);
});

test('without NATS it is the chat of one process', async (t) => {
  const port = await freePort();
  await startServer(t, '', port);
  const members = ['Ada', 'Ben'].map((name) => join(t, name, [`ws://127.0.0.1:${port}`]));
  await waitUntil(() => members.every(({ here }) => here === 2), 'both see two');
  members[0]?.client.say('hello');
  await waitUntil(() => members.every(({ heard }) => heard.length === 1), 'both hear it');
});

test('a client is in a hundred rooms at most', async (t) => {
  const port = await freePort();
  await startServer(t, '', port);
  const client = new WebSocket(`ws://127.0.0.1:${port}`);
  const closed = new Promise<CloseEvent>((resolve) => {
    client.addEventListener('close', resolve);
  });
  await new Promise((resolve) => client.addEventListener('open', resolve));
  const joined = new Set<string>();
  client.addEventListener('message', ({ data }) => joined.add(JSON.parse(data).room));
  for (let room = 0; room < 101; room++) {
    client.send(JSON.stringify({ join: `room${room}`, after: 0 }));
  }
  const { code, reason } = await closed;
  assert.deepEqual([code, reason], [1008, 'join at most 100 rooms']);
  assert.equal(joined.size, 100);
});
