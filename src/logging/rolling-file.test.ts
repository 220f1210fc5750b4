import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import fc from 'fast-check';
import { SyscallError } from '../base/errors.ts';
import { RollingFile, type RollingFileLimits, rollingFileLimits } from './rolling-file.ts';

const root = mkdtempSync(join(tmpdir(), 'gnet-rolling-file-'));
after(() => rmSync(root, { recursive: true }));

const day = 24 * 60 * 60 * 1000;
const small: RollingFileLimits = { fileBytesMax: 10, backupsMax: 3, backupAgeMax: 28 * day };

function fresh(): string {
  return join(mkdtempSync(join(root, 'case-')), 'server.log');
}

function read(path: string): string {
  return readFileSync(path, 'utf8');
}

function descriptorsOf(path: string): number {
  const targets = readdirSync('/proc/self/fd').map((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`);
    } catch {
      // The descriptor that listed the directory is gone by now.
      return '';
    }
  });
  return targets.filter((target) => target === path).length;
}

describe('rolling file', () => {
  test('the limits are those of the source framework', () => {
    assert.deepEqual(rollingFileLimits, {
      fileBytesMax: 104_857_600,
      backupsMax: 3,
      backupAgeMax: 2_419_200_000,
    });
  });

  test('a line is in the file when write returns, and a file that is there is continued', () => {
    const path = fresh();
    writeFileSync(path, 'old\n');
    const file = new RollingFile(path);
    file.write('new\n');
    assert.equal(read(path), 'old\nnew\n');
    file.close();
  });

  test('a full file is put aside, three are kept and the oldest goes', () => {
    const path = fresh();
    const file = new RollingFile(path, small);
    for (const letter of 'abcdef') file.write(`${letter.repeat(7)}\n`);
    file.close();
    assert.deepEqual(
      ['', '.1', '.2', '.3'].map((suffix) => read(path + suffix)[0]),
      ['f', 'e', 'd', 'c'],
    );
    assert.equal(existsSync(`${path}.4`), false);
  });

  test('exactly full is not too full, and an overlong line is kept in one piece', () => {
    const path = fresh();
    const file = new RollingFile(path, small);
    file.write('12345');
    file.write('67890');
    assert.equal(read(path), '1234567890');
    file.write('x'.repeat(25));
    assert.equal(read(`${path}.1`), '1234567890');
    assert.equal(read(path), 'x'.repeat(25));
    file.close();
  });

  test('without backups the full file is replaced', () => {
    const path = fresh();
    const file = new RollingFile(path, { ...small, backupsMax: 0 });
    file.write('12345678');
    file.write('abcdefgh');
    file.close();
    assert.equal(read(path), 'abcdefgh');
    assert.deepEqual(readdirSync(join(path, '..')), ['server.log']);
  });

  test('a backup that is too old is removed', () => {
    const path = fresh();
    writeFileSync(`${path}.1`, 'young');
    writeFileSync(`${path}.2`, 'old');
    const past = (Date.now() - 29 * day) / 1000;
    utimesSync(`${path}.2`, past, past);
    new RollingFile(path, small).close();
    assert.deepEqual(readdirSync(join(path, '..')).sort(), ['server.log', 'server.log.1']);
  });

  test('a file that was moved away or removed is made anew', () => {
    const path = fresh();
    const file = new RollingFile(path);
    file.write('one\n');
    renameSync(path, `${path}.moved`);
    file.write('two\n');
    unlinkSync(path);
    file.write('three\n');
    file.close();
    assert.equal(read(`${path}.moved`), 'one\n');
    assert.equal(read(path), 'three\n');
  });

  test('two writers of one path put it aside once and lose nothing', () => {
    const path = fresh();
    const first = new RollingFile(path, small);
    const second = new RollingFile(path, small);
    first.write('1111\n');
    second.write('2222\n');
    second.write('3333\n');
    first.write('4444\n');
    first.close();
    second.close();
    assert.equal(read(`${path}.1`), '1111\n2222\n');
    assert.equal(read(path), '3333\n4444\n');
    assert.equal(existsSync(`${path}.2`), false);
  });

  test('any lines are kept whole and in order over all files', () => {
    const line = fc.string({ maxLength: 30 }).map((text) => `${text.replaceAll('\n', '')}\n`);
    fc.assert(
      fc.property(fc.array(line, { maxLength: 30 }), (lines) => {
        const path = fresh();
        const file = new RollingFile(path, { ...small, fileBytesMax: 40, backupsMax: 40 });
        for (const text of lines) file.write(text);
        file.close();
        const count = readdirSync(join(path, '..')).length;
        const numbers = Array.from({ length: count - 1 }, (_, index) => count - 1 - index);
        const whole = [...numbers.map((number) => read(`${path}.${number}`)), read(path)];
        assert.equal(whole.join(''), lines.join(''));
      }),
      { numRuns: 50 },
    );
  });

  test('closing gives the descriptor back, and a later line is not lost', () => {
    const path = fresh();
    const file = new RollingFile(path);
    if (process.platform === 'linux') assert.equal(descriptorsOf(path), 1);
    file.close();
    file.close();
    file.write('late\n');
    if (process.platform === 'linux') assert.equal(descriptorsOf(path), 0);
    assert.equal(read(path), 'late\n');
  });

  test('others cannot read it, nor the files that are put aside', () => {
    const path = fresh();
    const file = new RollingFile(path, small);
    for (const letter of 'abc') file.write(`${letter.repeat(7)}\n`);
    file.close();
    for (const suffix of ['', '.1', '.2']) {
      assert.equal(statSync(path + suffix).mode & 0o137, 0, suffix);
    }
  });

  test('a link is not followed: at the start an error, later a lost line', async () => {
    const path = fresh();
    const target = `${path}.elsewhere`;
    writeFileSync(target, 'somebody else');
    symlinkSync(target, path);
    assert.throws(() => new RollingFile(path), { code: 'ELOOP', message: /symbolic link/ });
    unlinkSync(path);
    const file = new RollingFile(path);
    file.write('one\n');
    unlinkSync(path);
    symlinkSync(target, path);
    const warning = once(process, 'warning');
    file.write('two\n');
    file.close();
    await warning;
    assert.equal(read(target), 'somebody else');
  });

  test('missing directories are made; what cannot be opened is a typed error', () => {
    const nested = join(fresh(), 'deeper', 'server.log');
    new RollingFile(nested).close();
    assert.equal(existsSync(nested), true);
    assert.throws(
      () => new RollingFile(join(nested, 'below-a-file.log')),
      (error: SyscallError) => {
        assert.ok(error instanceof SyscallError);
        assert.equal(error.code, 'ENOTDIR');
        assert.ok((error.errno ?? 0) > 0);
        assert.match(error.message, /check logPath or GNET_LOGGING_FILE/);
        return true;
      },
    );
  });

  test('a failing write is reported once and does not throw', async () => {
    const path = fresh();
    const file = new RollingFile(path);
    const warning = once(process, 'warning');
    rmSync(join(path, '..'), { recursive: true });
    file.write('lost\n');
    file.write('lost\n');
    const [reported] = (await warning) as [Error & { code?: string }];
    assert.equal(reported.code, 'GNET_LOG_FILE');
    file.close();
  });
});
