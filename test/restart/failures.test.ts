/** A new process that does not take over: the old one goes on as if nothing had happened. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { RawClient } from 'gnet/testing';
import { driverName } from '../support/driver.ts';
import { temporaryDirectory, text } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';
import type { ServerConfig } from './programs/server.ts';
import { isAlive, RestartRig } from './restart-rig.ts';

const servers = [['tcp://127.0.0.1:0']];

/** Restarts in vain; returns what the log says. */
async function restartInVain(
  rig: RestartRig,
  change: Partial<ServerConfig>,
  readyTimeout?: number,
): Promise<string> {
  rig.next(change);
  const [address = ''] = rig.addresses();
  const client = await RawClient.connect(address);
  if (readyTimeout === undefined) process.kill(rig.pid, 'SIGUSR2');
  else client.write(`restart ${readyTimeout}`);
  const [said = ''] = await rig.line(
    /^log \d+ error the restart failed; [\s\S]*?(ErrRestart[\s\S]*)$/m,
  );
  client.write('still there');
  assert.equal(text(await client.readExactly(11)), 'still there');
  client.destroy();
  const other = await RawClient.connect(address);
  other.write('who');
  assert.equal(text(await other.readExactly(`${rig.pids[0]} \n`.length)), `${rig.pids[0]} \n`);
  other.destroy();
  return said;
}

/** The process that the error names is gone. */
async function assertGone(said: string): Promise<void> {
  const pid = Number(/new process (\d+)/.exec(said)?.[1]);
  await waitUntil(() => !isAlive(pid), `process ${pid} is gone`);
}

/** Most of them wait for a limit, which they can do at the same time. */
const concurrency = 4;

describe('a new process that does not take over', { concurrency }, () => {
  const late: readonly [string, number, Partial<ServerConfig>, RegExp][] = [
    ['hangs', 1_500, { fault: 'hang' }, /not ready within 1500 ms/],
    ['is stuck in a computation', 1_500, { fault: 'block' }, /not ready within 1500 ms/],
  ];
  for (const [what, readyTimeout, change, expected] of late) {
    test(what, async (t) => {
      const options = { graceful: { readyTimeout } };
      const rig = await RestartRig.start(t, { servers, options });
      const said = await restartInVain(rig, change);
      assert.match(said, expected);
      await assertGone(said);
    });
  }

  test('listens elsewhere', async (t) => {
    const began = performance.now();
    const both = [['tcp://127.0.0.1:0'], ['tcp://localhost:0']];
    const rig = await RestartRig.start(t, { servers: both });
    // Long enough to come to its call of serve, however busy the machine is; less than is waited for.
    const readyTimeout = Math.min(30_000, 2_000 + Math.ceil(4 * (performance.now() - began)));
    const change = { servers: [['tcp://127.0.0.1:0'], ['tcp://127.0.0.2:0']] };
    const said = await restartInVain(rig, change, readyTimeout);
    assert.match(said, /not ready within \d+ ms, and listens on tcp:\/\/127\.0\.0\.2:0 instead: /);
    assert.match(said, /it has not called serve for tcp:\/\/localhost:0; unlisten/);
    await assertGone(said);
  });

  const cases: readonly [string, Partial<ServerConfig>, RegExp][] = [
    [
      'throws at its start',
      { fault: 'throw' },
      driverName === 'node'
        ? /ended with status 1/
        : /ended with status 1; its last words[\s\S]*this version cannot start/,
    ],
    [
      'ends at its start',
      { fault: 'exit' },
      driverName === 'node'
        ? /ended with status 3/
        : /status 3; its last words: nothing is configured/,
    ],
    [
      'throws in onInitComplete',
      { fault: 'refuse' },
      /could not start[\s\S]*refused in onInitComplete/,
    ],
  ];
  for (const [what, change, expected] of cases) {
    test(what, async (t) => {
      const rig = await RestartRig.start(t, { servers });
      const said = await restartInVain(rig, change);
      assert.match(said, expected);
      await assertGone(said);
    });
  }

  test('leaves an address again that it has taken', async (t) => {
    const two = [...servers, ['tcp://127.0.0.1:0']];
    const rig = await RestartRig.start(t, { servers: two });
    const said = await restartInVain(rig, { fault: 'unlistens' });
    assert.match(said, /it has changed its mind/);
    await assertGone(said);
  });

  test('listens where nobody did, and the pid file stays', async (t) => {
    const pidName = join(temporaryDirectory(t), 'server.pid');
    const rig = await RestartRig.start(t, { servers, options: { pidName } });
    const change = { servers: [['tcp://127.0.0.2:0'], ...servers], fault: 'unlistens' } as const;
    const said = await restartInVain(rig, change);
    assert.match(said, /it has changed its mind/);
    await assertGone(said);
    assert.equal(readFileSync(pidName, 'utf8'), `${rig.pid}\n`);
  });

  test('could not even be started', async (t) => {
    const rig = await RestartRig.start(t, { servers });
    const client = await RawClient.connect(rig.addresses()[0] as string);
    t.after(() => client.destroy());
    client.write('swell');
    await client.readExactly(5);
    assert.match(await restartInVain(rig, {}), /^ErrRestartFailed .*no process could be started/);
  });

  test('addresses stay as they are while it starts', async (t) => {
    const options = { graceful: { readyTimeout: 1_500 } };
    const rig = await RestartRig.start(t, { servers, options });
    const [address = ''] = rig.addresses();
    const client = await RawClient.connect(address);
    t.after(() => client.destroy());
    const asked = async (question: string): Promise<string> => {
      client.write(question);
      let line = '';
      while (!line.endsWith('\n')) line += text(await client.readExactly(1));
      return line;
    };
    rig.next({ fault: 'hang' });
    process.kill(rig.pid, 'SIGUSR2');
    await rig.line(/^log \d+ info restarting/m);
    assert.equal(await asked('listen tcp://127.0.0.1:0'), 'ErrRestartInProgress\n');
    assert.equal(await asked(`unlisten ${address}`), 'ErrRestartInProgress\n');
    await rig.line(/not ready within/m);
    assert.equal(await asked('listen tcp://127.0.0.1:0'), 'tcp://127.0.0.1:0\n');
  });

  test('the next one that can does', async (t) => {
    const rig = await RestartRig.start(t, { servers });
    await restartInVain(rig, { fault: 'throw' });
    rig.next({ fault: undefined as never });
    const old = await rig.restart();
    await rig.gone(old);
  });

  test('a restart during a restart is refused', async (t) => {
    const options = { graceful: { readyTimeout: 1_500 } };
    const rig = await RestartRig.start(t, { servers, options });
    rig.next({ fault: 'hang' });
    process.kill(rig.pid, 'SIGUSR2');
    await rig.line(/^log \d+ info restarting/m);
    process.kill(rig.pid, 'SIGUSR2');
    await rig.line(/ErrRestartInProgress/m);
    await rig.line(/not ready within/m);
  });

  test('a stop during a restart ends both processes', async (t) => {
    const rig = await RestartRig.start(t, { servers });
    rig.next({ fault: 'hang' });
    process.kill(rig.pid, 'SIGUSR2');
    await rig.line(/^log \d+ info restarting/m);
    process.kill(rig.pid, 'SIGTERM');
    await rig.line(/ErrServerInShutdown/m);
    // It ends only when nobody has its output open any more.
    await rig.program.ending();
  });
});
