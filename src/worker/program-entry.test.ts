import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { programEntry } from './program-entry.ts';

const own = fileURLToPath(import.meta.url);
const forked = '/app/node_modules/vitest/dist/workers/forks.js';

test('the file of the program, also in a process that a test started', () => {
  assert.equal(programEntry(own, [], {}), own);
  assert.equal(programEntry(own, [], { VITEST: 'true', JEST_WORKER_ID: '1' }), own);
});

test("a test runner's own process is no program", () => {
  for (const variable of ['VITEST', 'JEST_WORKER_ID']) {
    assert.throws(() => programEntry(forked, [], { [variable]: '1' }), {
      code: 'ErrUnsupportedOp',
      message: /started by a test runner, whose file .*forks\.js.*new URL\('\.\/handler\.js'/,
    });
  }
});
