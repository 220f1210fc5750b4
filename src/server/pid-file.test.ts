import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { holdPidFile, isAlive } from './pid-file.ts';

const { pid } = process;
const skip = process.platform !== 'linux' && 'other systems do not tell when a process started';

describe('who has written a pid file', { skip }, () => {
  function folderOf(t: TestContext): string {
    const folder = mkdtempSync(path.join(tmpdir(), 'gnet-pid-'));
    t.after(() => rmSync(folder, { recursive: true }));
    return folder;
  }

  /** What Linux tells of this process after somebody has set the clock by that many seconds. */
  function procAfterStep(folder: string, seconds: number): string {
    const proc = path.join(folder, `proc${seconds}`);
    mkdirSync(path.join(proc, String(pid)), { recursive: true });
    const stat = readFileSync('/proc/stat', 'latin1').replace(
      /^btime (\d+)$/m,
      (_, booted) => `btime ${Number(booted) + seconds}`,
    );
    writeFileSync(path.join(proc, 'stat'), stat);
    for (const name of ['stat', 'fd']) {
      symlinkSync(`/proc/${pid}/${name}`, path.join(proc, String(pid), name));
    }
    return proc;
  }

  test('is alive, however the clock was set since', (t) => {
    const folder = folderOf(t);
    const file = path.join(folder, 'server.pid');
    const hold = holdPidFile(file, 0);
    t.after(() => hold.release());
    hold.write();
    for (const seconds of [0, 3, 3_600, 10 ** 9, -3, -3_600]) {
      assert.ok(isAlive(pid, file, procAfterStep(folder, seconds)), `${seconds} s`);
    }
  });

  test('is not a younger process, nor one that has another file open', (t) => {
    const folder = folderOf(t);
    const [mine, others] = [path.join(folder, 'mine.pid'), path.join(folder, 'others.pid')];
    const hold = holdPidFile(mine, 0);
    t.after(() => hold.release());
    hold.write();
    writeFileSync(others, `${pid}\n`);
    assert.ok(isAlive(pid, others, procAfterStep(folder, 0)), 'as far as one can tell');
    assert.equal(isAlive(pid, others, procAfterStep(folder, 10 ** 9)), false);
    hold.release();
    assert.equal(isAlive(pid, mine), false, 'it is not there any more');
  });
});
