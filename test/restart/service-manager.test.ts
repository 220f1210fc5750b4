/** What systemd is told: a socket of datagrams in its place. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { driverName } from '../support/driver.ts';
import { type TestScope, temporaryDirectory } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';
import { RestartRig } from './restart-rig.ts';

const skip = driverName === 'node' && 'not on the driver node: it cannot send to such a socket';

/** The runtime has no datagrams over Unix sockets. */
async function listen(t: TestScope, path: string): Promise<string[]> {
  const { closeDescriptor } = await import('../../src/syscall/descriptor.ts');
  const { bindSocket, openSocket, receive } = await import('../../src/syscall/socket.ts');
  const { mapMemory } = await import('../../src/syscall/memory.ts');
  const { constants } = await import('../../src/syscall/tables.ts');
  const socket = openSocket(constants.AF_UNIX, constants.SOCK_DGRAM);
  assert.equal(bindSocket(socket, path), 0);
  const { address, buffer } = mapMemory(4_096);
  const heard: string[] = [];
  const timer = setInterval(() => {
    const length = receive(socket, address, 4_096);
    if (length > 0) heard.push(Buffer.from(buffer, 0, length).toString());
  }, 5);
  t.after(() => {
    clearInterval(timer);
    closeDescriptor(socket);
  });
  return heard;
}

describe('the service manager is told', { skip }, () => {
  const paths: readonly [string, (t: TestScope) => string][] = [
    ['over a path', (t) => join(temporaryDirectory(t), 'notify')],
    ['over an abstract name', () => `@gnet-notify-${randomBytes(6).toString('hex')}`],
  ];
  for (const [what, pathFor] of paths) {
    test(what, async (t) => {
      const path = pathFor(t);
      const heard = await listen(t, path);
      const hears = (text: RegExp): Promise<void> =>
        waitUntil(() => heard.some((one) => text.test(one)), `${text} in ${heard.join('|')}`);
      const servers = [['tcp://127.0.0.1:0'], ['tcp://127.0.0.1:0']];
      const rig = await RestartRig.start(t, { servers }, { NOTIFY_SOCKET: path });
      await hears(/^READY=1\n$/);
      heard.splice(0);
      const old = await rig.restart();
      await hears(/^RELOADING=1\nMONOTONIC_USEC=\d+\n$/);
      await hears(new RegExp(`^MAINPID=${rig.pid}\nREADY=1\n$`));
      await rig.gone(old);
      // The old process has left; it has not stopped the service.
      assert.ok(!heard.some((one) => one.includes('STOPPING')));
      process.kill(rig.pid, 'SIGTERM');
      await hears(/^STOPPING=1\n$/);
      await rig.gone(rig.pid);
    });
  }

  test('a stop during a restart is the last that it hears', async (t) => {
    const { nativeCalls } = await import('../../src/driver/native/native-calls.ts');
    const path = join(temporaryDirectory(t), 'notify');
    const heard = await listen(t, path);
    const servers = [['tcp://127.0.0.1:0'], ['tcp://127.0.0.1:0']];
    const rig = await RestartRig.start(t, { servers }, { NOTIFY_SOCKET: path });
    const all = (): string => heard.join('');
    rig.next({ fault: 'hang' });
    process.kill(rig.pid, 'SIGUSR2');
    await waitUntil(() => /RELOADING=1\n/.test(all()), 'it reloads');
    process.kill(rig.pid, 'SIGTERM');
    await rig.line(/ErrServerInShutdown/m);
    await rig.gone(rig.pid);
    // What is sent after this comes after all that the process has sent.
    nativeCalls.sendToPath(path, Buffer.from('over\n'));
    await waitUntil(() => all().endsWith('over\n'), 'all of it is heard');
    assert.match(all(), /\nSTOPPING=1\nover\n$/);
  });

  test('a failed restart is over for it, too', async (t) => {
    const path = join(temporaryDirectory(t), 'notify');
    const heard = await listen(t, path);
    const rig = await RestartRig.start(
      t,
      { servers: [['tcp://127.0.0.1:0']] },
      { NOTIFY_SOCKET: path },
    );
    rig.next({ fault: 'exit' });
    process.kill(rig.pid, 'SIGUSR2');
    await rig.line(/the restart failed/m);
    const all = (): string => heard.join('');
    await waitUntil(() => /RELOADING=1\n[\s\S]*READY=1\n$/.test(all()), 'ready again');
  });
});
