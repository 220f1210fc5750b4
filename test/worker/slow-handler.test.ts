/** Stacks of handlers that block a loop on a thread of its own. */
import { test } from 'node:test';
import { connect } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';
import { handlerModule, startLoops } from './pool-rig.ts';

test('a warning has the stack of the thread that was blocked', async (t) => {
  const stacks: string[] = [];
  const quiet = (): void => {};
  const warn = (_message: string, fields?: object): void => {
    const { stack } = (fields ?? {}) as { stack?: string };
    if (stack !== undefined) stacks.push(stack);
  };
  const logger = { debug: quiet, info: quiet, warn, error: quiet };
  const options = { numEventLoop: 2, slowHandler: 20, logger };
  const { server } = await startLoops(t, handlerModule('computes.ts'), options);
  const client = await connect(t, server.addr);
  const again = setInterval(() => client.write('x'), 50);
  t.after(() => clearInterval(again));
  const wanted = /^at compute .*\nat .*react .*computes\.ts/m;
  await waitUntil(() => stacks.some((stack) => wanted.test(stack)), 'a stack');
});
