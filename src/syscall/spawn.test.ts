import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { waitUntil } from '../../test/support/wait-until.ts';
import { type ExitStatus, reapChild } from './children.ts';
import { closeDescriptor, duplicateOnto } from './descriptor.ts';
import { spawnProcess } from './spawn.ts';

const shell = '/bin/sh';

async function ending(pid: number): Promise<ExitStatus> {
  assert.ok(pid > 0, `posix_spawn: ${pid}`);
  let found: ExitStatus | null = null;
  await waitUntil(() => {
    found ??= reapChild(pid);
    return found !== null;
  }, 'the program ends');
  return found as unknown as ExitStatus;
}

describe('a program is started', () => {
  test('with its arguments, environment, place and descriptors, in whatever order those are', async (t) => {
    const directory = realpathSync(mkdtempSync(join(tmpdir(), 'gnet-spawn-')));
    t.after(() => rmSync(directory, { recursive: true }));
    const files = ['one', 'two'].map((name) => openSync(join(directory, name), 'w'));
    t.after(() => files.forEach(closeSync));
    const [one = -1, two = -1] = files;
    const script = 'pwd; echo "$0 $1 $COLOUR" >&3; echo "[$HOME]" >&4; exit 7';
    const pid = spawnProcess({
      command: shell,
      args: ['-c', script, 'name', 'with space'],
      environment: ['COLOUR=blue green'],
      directory,
      // Each stands where another one is to be.
      descriptors: [0, one, 2, two, one],
    });
    assert.deepEqual(await ending(pid), { code: 7, signal: 0 });
    assert.equal(readFileSync(join(directory, 'one'), 'utf8'), `${directory}\n[]\n`);
    assert.equal(readFileSync(join(directory, 'two'), 'utf8'), 'name with space blue green\n');
  });

  test('with the highest descriptor that the limit allows', async (t) => {
    const limit = Number(execFileSync(shell, ['-c', 'ulimit -n'], { encoding: 'utf8' }));
    if (!Number.isSafeInteger(limit)) return t.skip('there is no limit');
    const directory = realpathSync(mkdtempSync(join(tmpdir(), 'gnet-spawn-')));
    t.after(() => rmSync(directory, { recursive: true }));
    const file = openSync(join(directory, 'highest'), 'w');
    t.after(() => closeSync(file));
    assert.equal(duplicateOnto(file, limit - 1), 0);
    t.after(() => closeDescriptor(limit - 1));
    const pid = spawnProcess({
      command: shell,
      args: ['-c', 'echo here >&3'],
      environment: [],
      directory: null,
      descriptors: [0, 1, 2, limit - 1],
    });
    assert.deepEqual(await ending(pid), { code: 0, signal: 0 });
    assert.equal(readFileSync(join(directory, 'highest'), 'utf8'), 'here\n');
  });

  test('or is not, and what hinders it is told', () => {
    const missing = { command: '/no/such/program', args: [], environment: [], directory: null };
    assert.equal(spawnProcess({ ...missing, descriptors: [0, 1, 2] }), -2);
    assert.equal(spawnProcess({ ...missing, command: '', descriptors: [0, 1, 2] }), -2);
    const closed = { ...missing, command: shell, descriptors: [0, 1, 2, 1_000_000] };
    assert.ok(spawnProcess(closed) < 0);
  });

  test('and its end by a signal is seen', async () => {
    const pid = spawnProcess({
      command: shell,
      args: ['-c', 'kill -9 $$'],
      environment: [],
      directory: null,
      descriptors: [0, 1, 2],
    });
    assert.deepEqual(await ending(pid), { code: null, signal: 9 });
  });
});
