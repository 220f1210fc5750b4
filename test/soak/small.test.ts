/** Each soak for a moment, by the command that runs it for minutes, so that none of them can rot. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chooseBackend } from '../../src/driver/choose-driver.ts';
import { soaks } from './soaks.ts';
import { kernelSpreads, notOn } from '../support/driver.ts';

/** Soaks that have no meaning there. */
const reasonsOnNode: Readonly<Record<string, string>> = {
  'slow-readers': 'it cannot make the buffers of TCP connections small',
  'even-loops': kernelSpreads,
};

/** Of a soak that is about one driver, whatever the others run on. */
const noIoUring = await chooseBackend('io_uring').then(
  () => false as const,
  (error: Error) => error.message,
);

interface Outcome {
  readonly failed: boolean;
  readonly output: string;
}

function runSoaks(...parameters: readonly string[]): Promise<Outcome> {
  const script = fileURLToPath(new URL('soak.ts', import.meta.url));
  const flags = ['--conditions=gnet-source', '--disable-warning=ExperimentalWarning'];
  return new Promise((resolve) => {
    execFile(process.execPath, [...flags, script, ...parameters], (error, stdout, stderr) => {
      resolve({ failed: error !== null, output: stdout + stderr });
    });
  });
}

/** A process that takes itself for another system still has it. */
const skip = !existsSync('/proc/meminfo') && 'there is no /proc';

describe('npm run soak -- --small', { skip }, () => {
  for (const { name } of soaks) {
    const reason = reasonsOnNode[name];
    const missing = { skip: name === 'tiny-ring' && noIoUring };
    const options = reason === undefined ? missing : notOn('node', reason);
    test(name, options, async () => {
      const { failed, output } = await runSoaks('--small', '--only', name);
      assert.equal(failed, false, output);
      assert.match(output, /^1 passed, 0 failed$/m);
    });
  }

  test('a name that is none ends it with an error', async () => {
    const { failed, output } = await runSoaks('--small', '--only', 'nothing');
    assert.equal(failed, true);
    assert.match(output, /there is no such soak, only echo, frames, churn/);
  });
});
