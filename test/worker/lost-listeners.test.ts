/** Listeners of a loop that dies: nobody uses their numbers afterwards. */
import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { test } from 'node:test';
import type { ErrUnsupportedOp } from 'gnet';
import { restartable } from '../../src/server/restart/restartable.ts';
import { noDescriptors, notOn } from '../support/driver.ts';
import { type TestScope, text } from '../support/rig.ts';
import { landIn, telling } from './landing.ts';
import { startLoops } from './pool-rig.ts';

/** Resolves with what `look` sees when the thread is gone and nothing has been done about it. */
function atNextDeath<Seen>(t: TestScope, look: () => Seen): Promise<Seen> {
  return new Promise((resolve, reject) => {
    const hear = (): void => {
      unsubscribe('gnet:loop.dead', hear);
      try {
        resolve(look());
      } catch (error) {
        reject(error as ErrUnsupportedOp);
      }
    };
    subscribe('gnet:loop.dead', hear);
    t.after(() => unsubscribe('gnet:loop.dead', hear));
  });
}

const toGive = (): (number | undefined)[] =>
  [...restartable].flatMap((server) =>
    server
      .handOver()
      .flatMap(({ endpoints }) => endpoints)
      .flatMap(({ given }) => given ?? [])
      .map(({ descriptor }) => descriptor),
  );

test('a restart is not given them', async (t) => {
  const { server } = await startLoops(t, telling, { numEventLoop: 2, reusePort: true });
  const before = toGive();
  assert.equal(before.length, 2);
  const doomed = await landIn(t, server.addr, 0);
  const dead = atNextDeath(t, toGive);
  doomed.write('die');
  assert.deepEqual(await dead, before.slice(1));
});

test(
  'dupFd takes those of another loop, in every thread',
  notOn('node', noDescriptors),
  async (t) => {
    const { server } = await startLoops(t, telling, { numEventLoop: 2, reusePort: true });
    const asking = await landIn(t, server.addr, 1);
    const doomed = await landIn(t, server.addr, 0);
    const files: number[] = [];
    t.after(() => files.map((file) => closeSync(file)));
    const dead = atNextDeath(t, () => {
      // They get the numbers that are free now.
      for (let count = 0; count < 30; count++) files.push(openSync('/dev/null', 'r'));
      const duplicate = server.dupFd();
      const isSocket = fstatSync(duplicate).isSocket();
      closeSync(duplicate);
      return isSocket;
    });
    doomed.write('die');
    assert.equal(await dead, true);
    await landIn(t, server.addr, 0);
    // The thread hears of it a little later.
    let said = '';
    for (let tries = 0; tries < 100 && said !== 'duplicated'; tries++) {
      asking.write('dup');
      said = text(await asking.readExactly('duplicated'.length));
    }
    assert.equal(said, 'duplicated');
  },
);
