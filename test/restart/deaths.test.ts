/** One of the two processes of a restart is killed: whoever is left serves. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { RawClient } from 'gnet/testing';
import { DatagramClient } from '../support/datagram-client.ts';
import { driverName } from '../support/driver.ts';
import { nodeFlags } from '../support/program.ts';
import { type TestScope, temporaryDirectory, text } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';
import { RestartRig } from './restart-rig.ts';
import { whoServes } from './who-serves.ts';

/**
 * The echo of a message. The kernel tears a ring down a little after its process has died, and until
 * then the ring accepts: who came meanwhile is lost with it, and comes again.
 */
async function echoed(address: string, message: string): Promise<string> {
  for (;;) {
    const client = await RawClient.connect(address);
    client.write(message);
    try {
      return text(await client.readExactly(message.length));
    } catch (error) {
      if (driverName !== 'io_uring') throw error;
    } finally {
      client.destroy();
    }
  }
}

describe('the new process is killed', () => {
  for (const fault of ['dies starting', 'dies listening', 'dies accepting'] as const) {
    test(`when it ${fault}`, async (t) => {
      const datagrams = driverName === 'node' ? [] : ['udp://127.0.0.1:0'];
      const rig = await RestartRig.start(t, { servers: [['tcp://127.0.0.1:0', ...datagrams]] });
      const [address = '', udp] = rig.addresses();
      rig.next({ fault });
      process.kill(rig.pid, 'SIGUSR2');
      await rig.line(/the restart failed.*ErrRestartFailed.*ended by SIGKILL/m);
      assert.equal(await whoServes(address), rig.pid);
      if (udp === undefined) return;
      const client = await DatagramClient.open(t);
      await client.send(udp, 'still there');
      assert.equal(text(await client.next()), 'still there');
    });
  }
});

describe('the old process is killed', () => {
  test('while the new one starts: that one serves when it can', async (t) => {
    const rig = await RestartRig.start(t, { servers: [['tcp://127.0.0.1:0']] });
    const [address = ''] = rig.addresses();
    rig.next({ fault: 'slow' });
    const old = rig.pid;
    process.kill(old, 'SIGUSR2');
    await rig.line(/^slow \d+/m);
    process.kill(old, 'SIGKILL');
    // It waits in the queue that both had.
    const answer = echoed(address, 'patient');
    const fresh = await rig.up();
    assert.notEqual(fresh, old);
    assert.equal(await answer, 'patient');
  });

  test('while it finishes its connections: nothing of it is left, and all of the new one', async (t) => {
    const directory = temporaryDirectory(t);
    const path = join(directory, 's.sock');
    const pidName = join(directory, 'server.pid');
    const servers = [[`unix://${path}`]];
    const rig = await RestartRig.start(t, { servers, options: { pidName } });
    // It has yet to say what it wants, and is waited for.
    const waits = await RawClient.connect(path);
    t.after(() => waits.destroy());
    await whoServes(path);
    const old = await rig.restart();
    process.kill(old, 'SIGKILL');
    await rig.gone(old);
    assert.equal(await whoServes(path), rig.pid);
    const namesNew = (): boolean => readFileSync(pidName, 'utf8') === `${rig.pid}\n`;
    await waitUntil(namesNew, 'the pid file names the new process');
    process.kill(rig.pid, 'SIGTERM');
    await rig.gone(rig.pid);
    assert.deepEqual(readdirSync(directory), []);
  });

  /** This process plays the old one. */
  async function startHeir(t: TestScope): Promise<{ heir: ChildProcess; address: string }> {
    const directory = temporaryDirectory(t);
    const config = join(directory, 'config.json');
    const listener = createServer().listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const { port } = listener.address() as { port: number };
    const address = `127.0.0.1:${port}`;
    const given = [{ descriptor: 4, address, shared: false, boundPath: null }];
    const endpoint = { kind: 'tcp', family: 4, v6Only: false, host: '127.0.0.1', port, given };
    const text = `tcp://${address}`;
    writeFileSync(config, JSON.stringify({ servers: [[text]] }));
    const inherited = {
      version: 1,
      pid: process.pid,
      standardError: -1,
      addresses: [{ text, server: 0, endpoints: [endpoint] }],
    };
    const { fd } = (listener as unknown as { _handle: { fd: number } })._handle;
    const heir = spawn(
      process.execPath,
      [...nodeFlags, 'test/restart/programs/server.ts', config],
      {
        stdio: ['ignore', 'ignore', 'inherit', 'pipe', fd],
        env: { ...process.env, GNET_INHERITED: JSON.stringify(inherited) },
      },
    );
    t.after(() => heir.kill('SIGKILL'));
    listener.close();
    return { heir, address };
  }

  function heard(heir: ChildProcess): () => string {
    let said = '';
    heir.stdio[3]?.on('data', (piece: Buffer) => {
      said += piece.toString();
    });
    return () => said;
  }

  test('when the new one listens', async (t) => {
    const { heir, address } = await startHeir(t);
    const said = heard(heir);
    await waitUntil(() => said().includes('"listening"'), 'it listens');
    heir.stdio[3]?.destroy();
    assert.equal(await whoServes(address), heir.pid);
  });

  test('when the new one was told to accept', async (t) => {
    const { heir, address } = await startHeir(t);
    const said = heard(heir);
    await waitUntil(() => said().includes('"listening"'), 'it listens');
    const channel = heir.stdio[3] as NodeJS.WritableStream & { destroy(): void };
    channel.write('{"type":"accept","ticketKeys":[]}\n');
    channel.destroy();
    assert.equal(await whoServes(address), heir.pid);
  });
});
