/** A parent that stays while processes of the program replace each other, as pid 1 of a container does. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { serve } from 'gnet';
import { RawClient } from 'gnet/testing';
import { driverName, notOn } from '../support/driver.ts';
import { nodeFlags, Program } from '../support/program.ts';
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

async function startBelowParent(
  t: TestScope,
  signal: 'SIGUSR1' | 'SIGUSR2' = 'SIGUSR2',
): Promise<RestartRig> {
  const options = { graceful: { parent: true, signal } };
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

  test('the signal of the option goes on, too', async (t) => {
    const rig = await startBelowParent(t, 'SIGUSR1');
    const old = rig.pid;
    process.kill(rig.program.pid, 'SIGUSR1');
    await rig.up();
    assert.notEqual(rig.pid, old);
    await rig.gone(old);
    process.kill(rig.program.pid, 'SIGTERM');
    assert.equal((await rig.program.ending()).code, 0);
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

const spaces = ['--pid', '--fork', '--kill-child', '--mount-proc'];
const noSpaces =
  spawnSync('unshare', [...spaces, 'true']).status !== 0 &&
  'no process may have numbers of its own';

test('SIGTERM ends the first process of a container, whatever else it has to do', {
  skip: noSpaces,
}, async (t) => {
  const source = `
    import { serve } from 'gnet';
    const server = await serve({}, 'tcp://127.0.0.1:0', { graceful: true, logLevel: 'error' });
    setInterval(() => {}, 1_000);
    console.log('up', process.pid);
    server.closed.then(() => console.log('closed'));
    process.kill(process.pid, 'SIGTERM');`;
  const args = [...nodeFlags, '--input-type=module', '--eval', source];
  const program = new Program(t, 'unshare', [...spaces, process.execPath, ...args], {});
  const { code, output } = await program.ending();
  assert.equal(output, 'up 1\nclosed\n');
  assert.equal(code, 128 + 15);
});

test('the driver node says why it cannot', { skip: driverName !== 'node' }, async () => {
  await assert.rejects(serve({}, 'tcp://127.0.0.1:0', { graceful: { parent: true } }), {
    code: 'ErrUnsupportedOp',
    message: /the driver node makes no system calls/,
  });
});
