/** Unix paths and names: how they are printed and taken back, how long they may be, whose they are. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, lstatSync } from 'node:fs';
import { createServer, type Server as NetServer } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type EventHandler, serve, stop } from 'gnet';
import { lockNameFor } from '../../src/driver/bound-path.ts';
import { type RawClient, targetOf } from 'gnet/testing';
import { rejection, startClient } from '../support/client-rig.ts';
import { notOn, refusalOf } from '../support/driver.ts';
import { runProgram } from '../support/program.ts';
import {
  codeOf,
  connect,
  EchoHandler,
  startRig,
  type TestScope,
  temporaryDirectory,
  text,
} from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';

const echo: EventHandler = { react: (frame) => frame };
const onLinux = { skip: process.platform !== 'linux' && 'abstract names are of Linux' };
const withFiles = { skip: process.platform === 'win32' && 'the pipes of Windows are no files' };
/** Tests of peers bind sockets themselves, which takes system calls. */
/** Peers with names of every kind. */
const needsNames =
  process.platform === 'linux'
    ? notOn('node', 'its sockets do not tell the names of Unix peers')
    : onLinux;

function uniqueName(): string {
  return `gnet-test-${randomBytes(4).toString('hex')}`;
}

async function echoes(client: RawClient): Promise<void> {
  client.write('alive');
  assert.equal(text(await client.readExactly(5)), 'alive');
}

/** Leaves the socket file of a program that was killed. */
async function leaveDeadSocket(t: TestScope, path: string): Promise<number> {
  const program = runProgram(t, 'test/server/programs/try-to-serve.ts', [`unix://${path}`]);
  await program.line(/^listening/m);
  program.kill('SIGKILL');
  await program.ending();
  return lstatSync(path).ino;
}

describe('the printed form of a Unix address', () => {
  for (const [name, makeAddress] of [
    ['a path', (directory) => join(directory, 'Ä b:1.sock')],
    ['an abstract name', () => `@${uniqueName()} ü`],
    ['a name that the kernel picks', () => ''],
    ['a relative path', () => 'relative.sock'],
    ['a relative path that begins with @', () => './@relative.sock'],
  ] as readonly (readonly [string, (directory: string) => string])[]) {
    test(`of ${name} is taken by dial, serve and stop`, onLinux, async (t) => {
      const home = process.cwd();
      t.after(() => process.chdir(home));
      const directory = temporaryDirectory(t);
      process.chdir(directory);
      const handler = new EchoHandler();
      const rig = await startRig(t, handler, {}, `unix://${makeAddress(directory)}`);
      const printed = rig.server.addr;
      const { client } = await startClient(t);
      const c = await client.dial(printed);
      assert.equal(c.remoteAddr, printed);
      assert.deepEqual([c.remotePort, c.localPort], [0, 0]);
      await waitUntil(() => handler.connections.length === 1, 'onOpened');
      assert.equal(handler.connections[0]?.localAddr, printed);
      assert.equal(codeOf(await rejection(serve(echo, printed))), 'EADDRINUSE');
      await client.close();
      await rig.server.close();
      const again = await startRig(t, echo, {}, printed);
      assert.equal(again.server.addr, printed);
      await stop(printed);
      await again.server.closed;
    });
  }
});

describe('names that Unix peers have', () => {
  /** Connects from a socket that is bound to `name`; what the server says of the peer. */
  async function peerNamed(t: TestScope, name: string): Promise<string> {
    const { bindSocket, connectSocket, openSocket } = await import('../../src/syscall/socket.ts');
    const { closeDescriptor } = await import('../../src/syscall/descriptor.ts');
    const { constants } = await import('../../src/syscall/tables.ts');
    const handler = new EchoHandler();
    const rig = await startRig(t, handler, {}, `unix://${join(temporaryDirectory(t), 'a.sock')}`);
    const socket = openSocket(constants.AF_UNIX, constants.SOCK_STREAM);
    t.after(() => closeDescriptor(socket));
    if (name !== '') assert.equal(bindSocket(socket, name), 0);
    assert.equal(connectSocket(socket, rig.server.addr), 0);
    await waitUntil(() => handler.connections.length === 1, 'onOpened');
    return (handler.connections[0] as { remoteAddr: string }).remoteAddr;
  }

  test('are shown: a path, an abstract name, none', needsNames, async (t) => {
    const path = join(temporaryDirectory(t), 'peer ü.sock');
    assert.equal(await peerNamed(t, path), path);
    const name = `@${uniqueName()} ü`;
    assert.equal(await peerNamed(t, name), name);
    assert.equal(await peerNamed(t, ''), '@');
  });

  test('cannot write lines of their own into a log', needsNames, async (t) => {
    const unique = uniqueName();
    const printed = await peerNamed(t, `@${unique}\nERROR \x1b[2J\0\u202e`);
    assert.equal(printed, `@${unique}\\x0aERROR \\x1b[2J\\x00\\u202e`);
    const path = join(temporaryDirectory(t), 'a\nb');
    assert.equal(await peerNamed(t, path), path.replace('\n', '\\x0a'));
  });
});

describe('a Unix address of 108 bytes, all that there is', () => {
  test('as a path', onLinux, async (t) => {
    const directory = temporaryDirectory(t);
    const path = `${directory}/`.padEnd(108, 'p');
    const rig = await startRig(t, echo, {}, `unix://${path}`);
    assert.equal(rig.server.addr, path);
    await echoes(await connect(t, rig));
    const { client } = await startClient(t);
    assert.equal((await client.dial(path)).remoteAddr, path);
    await rig.server.stop({ timeout: 100 });
    assert.equal(existsSync(path), false);
  });

  test('as an abstract name', onLinux, async (t) => {
    const name = `@${uniqueName()}`.padEnd(108, 'n');
    const rig = await startRig(t, echo, {}, `unix://${name}`);
    assert.equal(rig.server.addr, name);
    await echoes(await connect(t, rig));
  });

  test('one more is refused', async () => {
    for (const address of [`unix:///${'p'.repeat(108)}`, `@${'n'.repeat(108)}`]) {
      assert.equal(codeOf(await rejection(serve(echo, address))), 'ErrInvalidNetworkAddress');
    }
  });
});

describe('a socket file in the way', async () => {
  test('that is dead: one of several servers of a program gets the path', withFiles, async (t) => {
    const path = join(temporaryDirectory(t), 'dead.sock');
    await leaveDeadSocket(t, path);
    const started = await Promise.allSettled(
      Array.from({ length: 5 }, () => startRig(t, echo, {}, `unix://${path}`)),
    );
    const up = started.filter((one) => one.status === 'fulfilled');
    const refused = started.filter((one) => one.status === 'rejected');
    assert.equal(up.length, 1);
    assert.deepEqual([...new Set(refused.map(({ reason }) => codeOf(reason)))], ['EADDRINUSE']);
    await echoes(await connect(t, path));
  });

  test('that is dead: one of several programs gets the path', onLinux, async (t) => {
    const path = join(temporaryDirectory(t), 'dead.sock');
    await leaveDeadSocket(t, path);
    const programs = Array.from({ length: 4 }, () => {
      return runProgram(t, 'test/server/programs/try-to-serve.ts', [`unix://${path}`]);
    });
    const outcomes = await Promise.all(programs.map((one) => one.line(/^(listening|refused.*)/m)));
    const up = outcomes.filter(([line]) => line === 'listening');
    assert.equal(up.length, 1, outcomes.map(([line]) => line).join('\n'));
    await echoes(await connect(t, path));
  });

  test('that another server takes away just now is left to that one', onLinux, async (t) => {
    const path = join(temporaryDirectory(t), 'dead.sock');
    const inode = await leaveDeadSocket(t, path);
    const lock = createServer().listen(targetOf(lockNameFor(path)));
    await new Promise((resolve) => lock.once('listening', resolve));
    t.after(() => lock.close());
    assert.equal(codeOf(await rejection(serve(echo, `unix://${path}`))), 'EADDRINUSE');
    assert.equal(lstatSync(path).ino, inode);
    await new Promise((resolve) => lock.close(resolve));
    const rig = await startRig(t, echo, {}, `unix://${path}`);
    await echoes(await connect(t, rig));
  });

  const needsFfi = { skip: await refusalOf('epoll') };
  test('whose server is bound and does not listen yet is not dead', needsFfi, async (t) => {
    const path = join(temporaryDirectory(t), 'bound.sock');
    const program = runProgram(t, 'test/server/programs/bind-only.ts', [path]);
    await program.line(/^bound/m);
    const inode = lstatSync(path).ino;
    const error = await rejection(serve(echo, `unix://${path}`));
    assert.equal(codeOf(error), 'EADDRINUSE');
    assert.equal(lstatSync(path).ino, inode);
    program.kill('SIGKILL');
    await program.ending();
    // Now it is.
    const rig = await startRig(t, echo, {}, `unix://${path}`);
    await echoes(await connect(t, rig));
  });

  test('of a living server costs it no caller', notOn('node', 'it has to connect'), async (t) => {
    const path = join(temporaryDirectory(t), 'live.sock');
    let callers = 0;
    const live: NetServer = createServer(() => callers++).listen(path);
    t.after(() => live.close());
    await new Promise((resolve) => live.once('listening', resolve));
    assert.equal(codeOf(await rejection(serve(echo, `unix://${path}`))), 'EADDRINUSE');
    const client = await connect(t, path);
    await waitUntil(() => callers > 0, 'a caller');
    assert.equal(callers, 1);
    client.destroy();
  });
});

test('reusePort on a Unix path is ENOTSUP on every driver, with the way out', async (t) => {
  const path = join(temporaryDirectory(t), 'a.sock');
  const error = await rejection(startRig(t, echo, { reusePort: true }, `unix://${path}`));
  assert.equal(codeOf(error), 'ENOTSUP');
  assert.match((error as Error).message, /SO_REUSEPORT.*; leave the option out/);
  assert.equal(existsSync(path), false);
});
