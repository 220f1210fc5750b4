/** Topics on other runtimes: the channel between loops is the runtime's own. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { installedRuntime, runtimeNames } from '../../scripts/other-runtime.ts';

const file = fileURLToPath(new URL('./programs/topics.ts', import.meta.url));

for (const name of runtimeNames) {
  const program = installedRuntime(name);
  const skip = program === undefined && `${name} is not installed`;
  test(`topics on ${name}: heard in another thread, and the program ends`, { skip }, () => {
    const args = name === 'deno' ? ['run', '-A'] : [];
    const { stdout, stderr, status } = spawnSync(
      program as string,
      [...args, '--conditions=gnet-source', file],
      { encoding: 'utf8', env: { ...process.env, NO_COLOR: '1' }, timeout: 60_000 },
    );
    assert.deepEqual([stdout, status], ['heard hello\n', 0], stderr);
  });
}
