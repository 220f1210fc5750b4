/** Names that the runtime must take for paths. */
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryDirectory } from '../support/rig.ts';
import { nameBeside } from '../../src/driver/bound-path.ts';

test('a name beside a relative path is a path for the runtime, whatever its digits', async (t) => {
  const home = process.cwd();
  t.after(() => process.chdir(home));
  process.chdir(temporaryDirectory(t));
  for (const unique of ['24792328', '1e234567', '00000000', 'ffffffff']) {
    const server = createServer();
    // Throws for what is like a number.
    const listening = new Promise<void>((resolve) => {
      server.listen({ path: nameBeside('echo.sock', unique) }, resolve);
    });
    await listening;
    await new Promise((resolve) => server.close(resolve));
  }
  assert.equal(nameBeside(join('/run', 'echo.sock'), 'ff'), '/run/.gff');
});
