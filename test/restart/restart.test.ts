/** A new process of the same program takes the listeners over. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { connect } from 'node:tls';
import { makeFamily } from '../../testing/certificates.ts';
import { RawClient, targetOf } from 'gnet/testing';
import { runProgram } from '../support/program.ts';
import { temporaryDirectory, text } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';
import { socketsOf } from './left-behind.ts';
import { isAlive, RestartRig } from './restart-rig.ts';

async function ask(address: string, question: string): Promise<string> {
  const client = await RawClient.connect(address);
  client.write(question);
  client.end();
  const answer = text(await client.readUntilEnd());
  client.destroy();
  return answer;
}

/** Asks over TLS; what the next handshake may resume. */
async function handshake(
  address: string,
  ca: string,
  session: Buffer | undefined,
): Promise<{ readonly isResumed: boolean; readonly session: Buffer }> {
  const offered = session === undefined ? {} : { session };
  const target = targetOf(address) as { host: string; port: number };
  const socket = connect({ ...target, ca, servername: 'localhost', ...offered });
  const ticket = once(socket, 'session') as Promise<[Buffer]>;
  await once(socket, 'secureConnect');
  const isResumed = socket.isSessionReused();
  socket.write('hello');
  await once(socket, 'data');
  const [fresh] = await ticket;
  socket.destroy();
  return { isResumed, session: fresh };
}

describe('restart', () => {
  test('the new process serves, the old one finishes its connections and ends', async (t) => {
    const rig = await RestartRig.start(t, { servers: [['tcp://127.0.0.1:0']] });
    const [address = ''] = rig.addresses();
    const open = await RawClient.connect(address);
    t.after(() => open.destroy());
    open.write('hello');
    assert.equal(text(await open.readExactly(5)), 'hello');
    const old = await rig.restart();
    assert.deepEqual(rig.addresses(), [address]);
    assert.match(await ask(address, 'who'), new RegExp(`^${rig.pid} `));
    // Told, and closed in order.
    assert.equal(text(await open.readUntilEnd()), 'bye\n');
    open.destroy();
    await rig.gone(old);
    assert.notEqual(rig.pid, old);
    process.kill(rig.pid, 'SIGTERM');
    await rig.gone(rig.pid);
  });

  test('the pid file names whoever serves, and is gone at the end', async (t) => {
    const rig = await RestartRig.start(t, { servers: [['tcp://127.0.0.1:0']] });
    const file = join(rig.directory, 'server.pid');
    rig.next({ options: { pidName: file } });
    const old = await rig.restart();
    // Written when the old process has left.
    const names = (): boolean => existsSync(file) && readFileSync(file, 'utf8') === `${rig.pid}\n`;
    await waitUntil(names, 'it names the new process');
    assert.equal(statSync(file).mode & 0o777, 0o600);
    await rig.gone(old);
    const second = await rig.restart();
    await waitUntil(names, 'it names the new process');
    await rig.gone(second);
    process.kill(rig.pid, 'SIGTERM');
    await rig.gone(rig.pid);
    assert.throws(() => statSync(file), { code: 'ENOENT' });
  });

  test('the pid file that the new program does not have is gone', async (t) => {
    const servers = [['tcp://127.0.0.1:0']];
    const path = (name: string): string => join(temporaryDirectory(t), name);
    const [first, second] = [path('first.pid'), path('second.pid')];
    const rig = await RestartRig.start(t, { servers, options: { pidName: first } });
    assert.equal(readFileSync(first, 'utf8'), `${rig.pid}\n`);
    rig.next({ options: { pidName: second } });
    await rig.gone(await rig.restart());
    await waitUntil(() => !existsSync(first), 'the first file is gone');
    assert.equal(readFileSync(second, 'utf8'), `${rig.pid}\n`);
    rig.next({ options: {} });
    await rig.gone(await rig.restart());
    await waitUntil(() => !existsSync(second), 'the second file is gone');
  });

  for (const numEventLoop of [1, 2]) {
    test(`TLS sessions go on across restarts, ${numEventLoop} loop(s)`, async (t) => {
      const { leaf, middle, root } = makeFamily();
      const tls = { key: leaf.key, cert: leaf.cert + middle.cert };
      const options = { numEventLoop, tls };
      const rig = await RestartRig.start(t, { servers: [['tls://127.0.0.1:0']], options });
      const [address = ''] = rig.addresses();
      const first = await handshake(address, root.cert, undefined);
      assert.equal(first.isResumed, false);
      await rig.gone(await rig.restart());
      const second = await handshake(address, root.cert, first.session);
      assert.equal(second.isResumed, true);
    });
  }

  test('the new program drops an address', async (t) => {
    const rig = await RestartRig.start(t, {
      servers: [['tcp://127.0.0.1:0'], ['tcp://127.0.0.1:0']],
    });
    const [dropped = ''] = rig.addresses(0);
    const [kept = ''] = rig.addresses(1);
    rig.next({ fault: 'drops' });
    await rig.gone(await rig.restart());
    await assert.rejects(RawClient.connect(dropped), { code: 'ECONNREFUSED' });
    assert.match(await ask(kept, 'who'), new RegExp(`^${rig.pid} `));
  });

  test('in a worker thread it is refused', async (t) => {
    const program = runProgram(t, 'test/restart/programs/in-worker.ts');
    const { output } = await program.ending();
    assert.equal(output, 'refused ErrUnsupportedOp\nrefused ErrUnsupportedOp\n');
  });

  test('it is refused while another thread of the program serves', async (t) => {
    const program = runProgram(t, 'test/restart/programs/beside-worker.ts');
    const outcomes = (await program.ending()).output.match(/^Err\w+ \w+$/gm);
    const refused = 'ErrUnsupportedOp true';
    const tried = 'ErrRestartFailed false';
    assert.deepEqual(outcomes, [refused, tried, refused, tried]);
  });

  test('five in a row, without a socket that stays behind', async (t) => {
    const rig = await RestartRig.start(t, { servers: [['tcp://127.0.0.1:0']] });
    const [address = ''] = rig.addresses();
    const before = socketsOf(rig.pid).length;
    for (let count = 0; count < 5; count++) {
      const old = await rig.restart();
      assert.match(await ask(address, 'who'), new RegExp(`^${rig.pid} `));
      await rig.gone(old);
    }
    assert.equal(new Set(rig.pids).size, 6);
    // The connection that has just asked closes when its end is heard.
    await waitUntil(() => socketsOf(rig.pid).length === before, 'as many sockets as before');
    assert.ok(isAlive(rig.pid));
  });
});
