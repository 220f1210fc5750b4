/** What a program does to a socket in the middle of its events: told alike by `node:net` and `gnet/net`. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import nodeNet from 'node:net';
import { test } from 'node:test';
import net from 'gnet/net';
import { driverName } from '../support/driver.ts';
import type { TestScope } from '../support/rig.ts';

type Module = Pick<typeof nodeNet, 'createServer' | 'connect'>;
type Socket = nodeNet.Socket;

const deeds: Readonly<Record<string, (socket: Socket) => void>> = {
  destroy: (socket) => void socket.destroy(),
  fail: (socket) => void socket.destroy(Object.assign(new Error('mine'), { code: 'MINE' })),
  end: (socket) => void socket.end(),
  'end with words': (socket) => void socket.end('bye'),
  destroySoon: (socket) => socket.destroySoon(),
  write: (socket) => void socket.write('late', () => {}),
  'write behind the end': (socket) => {
    socket.end();
    socket.write('x', () => {});
  },
  'pause and resume': (socket) => {
    socket.pause();
    setImmediate(() => socket.resume());
  },
};
const moments = ['connect', 'data', 'written', 'end', 'finish', 'close'] as const;
type Moment = (typeof moments)[number];

interface Case {
  readonly role: 'accepted' | 'dialled';
  readonly moment: Moment;
  readonly deed: string;
  readonly allowHalfOpen: boolean;
}

/** An echo that does one thing besides, once, at the moment; returns what it was told. */
function act(socket: Socket, { moment, deed }: Case): string[] {
  const told: string[] = [];
  let isDone = false;
  const at = (now: Moment): void => {
    if (now !== moment || isDone) return;
    isDone = true;
    told.push(`(${deed})`);
    deeds[deed]?.(socket);
  };
  for (const event of ['connect', 'ready', 'end', 'drain', 'finish'] as const) {
    socket.on(event, () => {
      told.push(event);
      at(event as Moment);
    });
  }
  socket.on('error', (error: NodeJS.ErrnoException) => told.push(`error ${error.code}`));
  socket.on('data', (bytes: Buffer) => {
    told.push('data');
    at('data');
    if (socket.writable) socket.write(bytes, () => at('written'));
  });
  socket.on('close', (hadError) => {
    told.push(`close ${hadError}`);
    at('close');
  });
  return told;
}

/** Says hello, and ends when it has the echo, or the end. */
function talk(peer: Socket): string[] {
  const told: string[] = [];
  let text = '';
  peer.write('hello');
  peer.on('data', (bytes: Buffer) => {
    text += bytes;
    if (text.includes('hello')) peer.end();
  });
  peer.on('end', () => peer.end());
  peer.on('error', (error: NodeJS.ErrnoException) => told.push(`error ${error.code}`));
  peer.on('close', () => told.push(text));
  return told;
}

async function play(t: TestScope, module: Module, one: Case): Promise<object> {
  const isServer = one.role === 'accepted';
  const options = { allowHalfOpen: isServer ? one.allowHalfOpen : true };
  const server = (isServer ? module : nodeNet).createServer(options);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as nodeNet.AddressInfo;
  const dialled = (isServer ? nodeNet : module).connect({
    port,
    host: '127.0.0.1',
    allowHalfOpen: isServer ? true : one.allowHalfOpen,
  });
  const dial = isServer ? talk(dialled) : act(dialled, one);
  const [accepted] = (await once(server, 'connection')) as [Socket];
  const accept = isServer ? act(accepted, one) : talk(accepted);
  t.after(() => [dialled, accepted].map((socket) => socket.destroy()));
  const subject = isServer ? accepted : dialled;
  if (!subject.destroyed || !subject.closed) await over(subject, one);
  await new Promise(setImmediate);
  const { destroyed, readableEnded, writableEnded, writableFinished, errored } = subject;
  return {
    told: inOrder(isServer ? accept : dial),
    flags: { destroyed, readableEnded, writableEnded, writableFinished },
    errored: (errored as NodeJS.ErrnoException | null)?.code,
  };
}

/**
 * Which of the two sides is over first is up to the peer, and whether its bytes come before the kernel has
 * the last ones of ours is up to both kernels.
 */
function inOrder(told: readonly string[]): string {
  return told
    .join(', ')
    .replace(' end, finish', ' finish, end')
    .replace(' data, finish', ' finish, data');
}

/** One that is half-open ends when it is told to. */
function over(subject: Socket, { allowHalfOpen }: Case): Promise<unknown> {
  // Not one that is destroyed: whether it has closed by then is a matter of milliseconds.
  const end = (): void => {
    if (!subject.destroyed) subject.end();
  };
  if (allowHalfOpen) subject.on('end', () => setTimeout(end, 5));
  return new Promise((resolve) => subject.on('close', resolve));
}

const all: readonly Case[] = (['accepted', 'dialled'] as const).flatMap((role) =>
  [false, true].flatMap((allowHalfOpen) =>
    moments.flatMap((moment) =>
      Object.keys(deeds).map((deed) => ({ role, allowHalfOpen, moment, deed })),
    ),
  ),
);

/** Where the kernel says only later that it has the bytes, the peer may have answered and ended by then. */
const untimely: readonly Moment[] = driverName === 'io_uring' ? ['written', 'finish'] : [];

for (const role of ['accepted', 'dialled'] as const) {
  test(`by a socket that was ${role}`, async (t) => {
    const cases = all.filter((one) => one.role === role && !untimely.includes(one.moment));
    const found = await Promise.all(
      cases.map((one) =>
        Promise.all([play(t, nodeNet, one), play(t, net as unknown as Module, one)]),
      ),
    );
    for (const [at, [theirs, ours]] of found.entries()) {
      assert.deepEqual(ours, theirs, JSON.stringify(cases[at]));
    }
  });
}
