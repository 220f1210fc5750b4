/** An example that is restarted and stopped by its flags. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { nodeFlags } from '../support/program.ts';
import { waitUntil } from '../support/wait-until.ts';
import { spawnExample } from './spawn-example.ts';

const cwd = fileURLToPath(new URL('../..', import.meta.url));

function run(example: string, ...args: readonly string[]) {
  const command = [...nodeFlags, join('examples', example), ...args];
  return spawnSync(process.execPath, command, { cwd, encoding: 'utf8', timeout: 20_000 });
}

describe('--graceful', () => {
  test('--reload starts the example again, --stop ends it', async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'gnet-'));
    t.after(() => rmSync(directory, { recursive: true, force: true }));
    const file = join(directory, 'echo.pid');
    const example = await spawnExample('examples/echo-tcp.ts', ['--graceful', '--pid', file]);
    t.after(() => example.stop());
    const first = readFileSync(file, 'utf8').trim();
    const reload = run('echo-tcp.ts', '--pid', file, '--reload');
    assert.equal(reload.stdout, `process ${first} was told to reload\n`);
    const other = (): boolean => readFileSync(file, 'utf8').trim() !== first;
    await waitUntil(other, 'another process serves');
    const lines = example.output().match(/^echo-tcp is listening on .*$/gm) ?? [];
    assert.equal(lines.length, 2);
    assert.equal(lines[0], lines[1]);
    assert.equal(run('echo-tcp.ts', '--pid', file, '--stop').status, 0);
    await waitUntil(() => !existsSync(file), 'the pid file is gone');
    const again = run('echo-tcp.ts', '--pid', file, '--stop');
    assert.equal(again.status, 2);
    assert.match(again.stderr, /there is no such file/);
    assert.equal(run('echo-tcp.ts', '--reload').status, 2);
  });
});
