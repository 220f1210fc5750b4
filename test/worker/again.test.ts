/** Programs that serve again and again: no thread and no descriptor is left of what has ended. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runProgram } from '../support/program.ts';

for (const flags of [['waits'], ['late'], []]) {
  test(`a server after the other ${flags}`.trim(), async (t) => {
    const { code, output } = await runProgram(t, 'test/worker/programs/again.ts', flags).ending();
    assert.equal(code, 0, output);
    // Nothing else: no thread died, and none left its program in the middle with a warning.
    assert.equal(output, 'done 3\n');
  });
}
