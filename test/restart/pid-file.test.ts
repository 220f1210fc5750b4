/** The file that names the process of a server, and the signals that are sent by it. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { describe, test } from 'node:test';
import { type Server, serve, signalServer } from 'gnet';
import { type TestScope, temporaryDirectory } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';
import { isAlive } from './restart-rig.ts';

const address = 'tcp://127.0.0.1:0';

async function started(t: TestScope, pidName: string): Promise<Server> {
  const server = await serve({}, address, { pidName });
  t.after(() => server.close());
  return server;
}

/** Somebody else, who is there until the end of the test. */
function startOther(t: TestScope, script = 'exec sleep 60'): ChildProcess {
  const child = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  t.after(() => child.kill('SIGKILL'));
  return child;
}

/** A process that has ended, of which its parent takes no note: that is a program that has no children. */
async function zombieOf(t: TestScope): Promise<number> {
  const script = 'head -c 1 <&3 >/dev/null & echo $!; exec sleep 60';
  const parent = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore', 'pipe'] });
  t.after(() => parent.kill('SIGKILL'));
  const [line] = (await once(parent.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
  const pid = Number(line.toString());
  const isOther = (): boolean => readFileSync(`/proc/${parent.pid}/comm`, 'utf8') === 'sleep\n';
  await waitUntil(isOther, 'the shell has become another program');
  (parent.stdio[3] as Writable).end('x');
  await waitUntil(() => !isAlive(pid), 'it has ended');
  assert.ok(process.kill(pid, 0), 'the kernel still has its number');
  return pid;
}

describe('pidName', () => {
  test('is there while the server is, for its owner alone, and nothing else is', async (t) => {
    const directory = temporaryDirectory(t);
    const path = join(directory, 'server.pid');
    const first = await started(t, path);
    const second = await started(t, path);
    assert.equal(readFileSync(path, 'utf8'), `${process.pid}\n`);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(directory), ['server.pid']);
    await first.stop();
    assert.deepEqual(readdirSync(directory), ['server.pid'], 'the other server has it still');
    await second.stop();
    assert.deepEqual(readdirSync(directory), []);
  });

  test('of a live other process is refused, and stays', async (t) => {
    const directory = temporaryDirectory(t);
    const path = join(directory, 'server.pid');
    const { pid } = startOther(t);
    writeFileSync(path, `${pid}\n`);
    const expected = new RegExp(`process ${pid} has it and is alive`);
    await assert.rejects(started(t, path), { code: 'ErrPidFile', message: expected });
    assert.equal(readFileSync(path, 'utf8'), `${pid}\n`);
    assert.deepEqual(readdirSync(directory), ['server.pid']);
  });

  const leftBehind: readonly [string, (t: TestScope, path: string) => Promise<void> | void][] = [
    ['a process that is gone', (_, path) => writeFileSync(path, `${spawnSync('true').pid}\n`)],
    ['a zombie', async (t, path) => writeFileSync(path, `${await zombieOf(t)}\n`)],
    [
      'a process that is younger than the file',
      (t, path) => {
        writeFileSync(path, `${startOther(t).pid}\n`);
        utimesSync(path, 1, 1);
      },
    ],
    ['nobody', (_, path) => writeFileSync(path, 'no number\n')],
  ];
  for (const [whose, leave] of leftBehind) {
    test(`of ${whose} is replaced`, async (t) => {
      const path = join(temporaryDirectory(t), 'server.pid');
      await leave(t, path);
      const server = await started(t, path);
      assert.equal(readFileSync(path, 'utf8'), `${process.pid}\n`);
      await server.stop();
    });
  }

  test('that another process has replaced meanwhile is not removed', async (t) => {
    const path = join(temporaryDirectory(t), 'server.pid');
    const server = await started(t, path);
    writeFileSync(path, '1\n');
    await server.stop();
    assert.equal(readFileSync(path, 'utf8'), '1\n');
  });

  test('where it cannot be written is refused before anything is opened', async (t) => {
    const directory = temporaryDirectory(t);
    mkdirSync(join(directory, 'taken'));
    const cases: readonly [string, RegExp][] = [
      [join(directory, 'taken'), /it is a directory/],
      [join(directory, 'nowhere', 'server.pid'), /ENOENT; its directory must be there/],
    ];
    for (const [path, message] of cases) {
      await assert.rejects(started(t, path), { code: 'ErrPidFile', message });
    }
    assert.deepEqual(readdirSync(directory), ['taken']);
  });
});

describe('signalServer', () => {
  test('signals whoever the file names', async (t) => {
    const path = join(temporaryDirectory(t), 'server.pid');
    for (const [action, options, signal] of [
      ['stop', {}, 'SIGTERM'],
      ['reload', {}, 'SIGUSR2'],
      ['reload', { signal: 'SIGHUP' }, 'SIGHUP'],
    ] as const) {
      const other = startOther(t, 'echo; exec sleep 60');
      await once(other.stdout as NodeJS.ReadableStream, 'data');
      writeFileSync(path, `${other.pid}\n`);
      const ended = once(other, 'exit');
      assert.equal(signalServer(path, action, options), other.pid);
      assert.deepEqual(await ended, [null, signal]);
    }
  });

  test('says why it cannot', (t) => {
    const directory = temporaryDirectory(t);
    const path = join(directory, 'server.pid');
    const cannot = (message: RegExp): void => {
      assert.throws(() => signalServer(path, 'stop'), { code: 'ErrPidFile', message });
    };
    cannot(/there is no such file; is the server up\?/);
    writeFileSync(path, '');
    cannot(/it holds no number/);
    const { pid } = spawnSync('true');
    writeFileSync(path, `${pid}\n`);
    cannot(new RegExp(`process ${pid} is gone`));
    assert.throws(() => signalServer(path, 'pause' as 'stop'), { code: 'ErrInvalidOption' });
    const wrong = { signal: 'SIGFOO' as 'SIGHUP' };
    assert.throws(() => signalServer(path, 'reload', wrong), { code: 'ErrInvalidOption' });
  });

  test('leaves a process alone that is younger than the file', (t) => {
    const path = join(temporaryDirectory(t), 'server.pid');
    const { pid } = startOther(t);
    writeFileSync(path, `${pid}\n`);
    utimesSync(path, 1, 1);
    const message = new RegExp(`its process is gone; ${pid} may be another one`);
    assert.throws(() => signalServer(path, 'stop'), { code: 'ErrPidFile', message });
    assert.ok(isAlive(pid as number));
  });
});
