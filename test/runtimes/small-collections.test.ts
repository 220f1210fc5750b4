/** Other engines have a `gc` that is not V8's, or one of a V8 whose flags are not to be changed. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { installedRuntime, runtimeNames } from '../../scripts/other-runtime.ts';

const module = new URL('../../src/host/small-collections.ts', import.meta.url).href;

for (const name of runtimeNames) {
  const program = installedRuntime(name);
  const skip = program === undefined && `${name} is not installed`;
  test(`${name} collects as it does without gnet`, { skip }, () => {
    const source = `
      import { findSmallCollection } from '${module}';
      console.log(findSmallCollection(), typeof globalThis.gc);
    `;
    const command = name === 'deno' ? 'eval' : '--eval';
    const { stdout, stderr } = spawnSync(program as string, [command, source], {
      encoding: 'utf8',
      env: { ...process.env, NO_COLOR: '1' },
    });
    assert.equal(stdout, 'null undefined\n', stderr);
  });
}
