/** What is held too long on a loop that has a thread of its own. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';
import { handlerModule, startLoops } from './pool-rig.ts';

test('a warning says what the thread holds, and where it took it', async (t) => {
  const warnings: { kind?: string; stack?: string }[] = [];
  const quiet = (): void => {};
  const warn = (message: string, fields?: object): void => {
    if (message.includes('leakDetection')) warnings.push(fields ?? {});
  };
  const logger = { debug: quiet, info: quiet, warn, error: quiet };
  const leakDetection = { level: 'all', after: 40 } as const;
  const options = { numEventLoop: 2, leakDetection, logger };
  const { server } = await startLoops(t, handlerModule('keeps.ts'), options);
  const client = await connect(t, server.addr);
  client.write('x');
  await waitUntil(() => warnings.length > 0, 'a warning');
  const [{ kind, stack = '' } = {}] = warnings;
  assert.equal(kind, 'frame');
  assert.match(stack, /^at keep .*keeps\.ts/);
});
