/** A parent that stays while processes of the program replace each other, as pid 1 of a container does. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { serve } from 'gnet';
import { RawClient } from 'gnet/testing';
import { driverName, notOn } from '../support/driver.ts';
import { type TestScope, text } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';
import { RestartRig } from './restart-rig.ts';

const skip = notOn('node', 'it makes no system calls');

function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'latin1')
      .split(' ')
      .filter(Boolean)
      .map(Number),
  );
}

async function startBelowParent(t: TestScope): Promise<RestartRig> {
  const options = { graceful: { parent: true } };
  return RestartRig.start(t, { servers: [['tcp://127.0.0.1:0']], options });
}

/** Restarts by a signal to the parent; the new process is the parent's only child in the end. */
async function restart(rig: RestartRig): Promise<void> {
  const old = rig.pid;
  process.kill(rig.program.pid, 'SIGUSR2');
  await rig.up();
  await rig.gone(old);
  const isOnly = (): boolean => childrenOf(rig.program.pid).join() === `${rig.pid}`;
  await waitUntil(isOnly, 'the new process is the only child');
}

/** That process answers. */
async function asked(address: string, pid: number): Promise<void> {
  const client = await RawClient.connect(address);
  client.write('who');
  const expected = `${pid} \n`;
  assert.equal(text(await client.readExactly(expected.length)), expected);
  client.destroy();
}

describe('graceful.parent', skip, () => {
  test('signals go on, restarts hand over below it, it ends as the last process', async (t) => {
    const rig = await startBelowParent(t);
    const [address = ''] = rig.addresses();
    assert.deepEqual(childrenOf(rig.program.pid), [rig.pid]);
    for (let count = 0; count < 2; count++) {
      await restart(rig);
      await asked(address, rig.pid);
    }
    process.kill(rig.program.pid, 'SIGTERM');
    await rig.gone(rig.pid);
    const { code, signal } = await rig.program.ending();
    assert.deepEqual({ code, signal }, { code: 0, signal: null });
  });

  test('it stays while the predecessor of the service finishes its connections', async (t) => {
    const rig = await startBelowParent(t);
    const [address = ''] = rig.addresses();
    await restart(rig);
    const old = rig.pid;
    // It has yet to say what it wants, and is waited for.
    const waits = await RawClient.connect(address);
    t.after(() => waits.destroy());
    await asked(address, rig.pid);
    for (let count = 0; count < 2; count++) {
      const before = rig.pid;
      process.kill(rig.program.pid, 'SIGUSR2');
      await rig.up();
      await rig.line(new RegExp(`^log ${before} info restarted`, 'm'));
      // It looks around at once.
      process.kill(rig.program.pid, 'SIGCHLD');
    }
    await asked(address, rig.pid);
    waits.destroy();
    await rig.gone(old);
    process.kill(rig.program.pid, 'SIGTERM');
    assert.equal((await rig.program.ending()).code, 0);
  });

  test('the exit code of a process that dies is its own', async (t) => {
    const rig = await startBelowParent(t);
    await restart(rig);
    process.kill(rig.pid, 'SIGKILL');
    assert.equal((await rig.program.ending()).code, 128 + 9);
  });

  test('a restart that fails leaves the process that serves', async (t) => {
    const rig = await startBelowParent(t);
    rig.next({ fault: 'exit' });
    process.kill(rig.program.pid, 'SIGUSR2');
    await rig.line(/the restart failed/m);
    assert.deepEqual(childrenOf(rig.program.pid), [rig.pid]);
    process.kill(rig.pid, 'SIGKILL');
    assert.equal((await rig.program.ending()).code, 128 + 9);
  });
});

test('the driver node says why it cannot', { skip: driverName !== 'node' }, async () => {
  await assert.rejects(serve({}, 'tcp://127.0.0.1:0', { graceful: { parent: true } }), {
    code: 'ErrUnsupportedOp',
    message: /the driver node makes no system calls/,
  });
});
