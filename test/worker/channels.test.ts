/** The diagnostics channels of loops on threads. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hear } from '../support/hear-channels.ts';
import { connect, text } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';
import { handlerModule, startLoops } from './pool-rig.ts';

test('a loop whose thread dies is told of, and that another thread was started', async (t) => {
  const heard = hear(t, ['gnet:loop.dead', 'gnet:loop.restarted'], (message) =>
    [message.loop, 'error' in message ? message.error.message : ''].join(' '),
  );
  const { server } = await startLoops(t, handlerModule('loops.ts'), { numEventLoop: 2 });
  const doomed = await connect(t, server.addr);
  const loop = text(await doomed.readExactly(1));
  doomed.write('die');
  await waitUntil(() => heard.length === 2, 'it is replaced');
  assert.deepEqual(heard, [`loop.dead ${loop} killed by a client`, `loop.restarted ${loop}`]);
});
