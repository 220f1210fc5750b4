/** Options of the sockets of a server, read back from the kernel. */
import assert from 'node:assert/strict';
import { closeSync } from 'node:fs';
import { describe, test } from 'node:test';
import { ErrInvalidOption, ErrUnsupportedOp, type Options, SyscallError } from 'gnet';
import { startClient } from '../support/client-rig.ts';
import { driverName, notOn } from '../support/driver.ts';
import { connect, pair, startRig } from '../support/rig.ts';

const native = notOn('node', 'its sockets have no descriptors to look at');
const loopback = 'tcp4://127.0.0.1:0';

async function kernel() {
  const { getOption, getOptionBytes, optionView } = await import('../../src/syscall/socket.ts');
  const { constants: k } = await import('../../src/syscall/linux/tables.ts');
  const text = (descriptor: number, level: number, option: number): string => {
    const length = getOptionBytes(descriptor, level, option, 16);
    const bytes = Array.from({ length }, (_, at) => optionView.getUint8(at));
    return String.fromCharCode(...bytes).replace(/\0.*$/s, '');
  };
  return { k, text, number: getOption };
}

describe('options of sockets', () => {
  test('hold for what is accepted, and for what is dialled', native, async (t) => {
    const { k, text, number } = await kernel();
    const options: Options = {
      tcpKeepAlive: 7_000,
      tcpKeepInterval: 1_500,
      tcpKeepCount: 4,
      congestion: 'reno',
      bindToDevice: 'lo',
    };
    const { c: accepted, rig } = await pair(t, {}, options, loopback);
    const { client } = await startClient(t, {}, options);
    const dialled = await client.dial(`tcp://${rig.server.addr}`);
    for (const { fd } of [accepted, dialled]) {
      assert.equal(number(fd, k.IPPROTO_TCP, k.TCP_KEEPIDLE), 7);
      assert.equal(number(fd, k.IPPROTO_TCP, k.TCP_KEEPINTVL), 2);
      assert.equal(number(fd, k.IPPROTO_TCP, k.TCP_KEEPCNT), 4);
      assert.equal(text(fd, k.IPPROTO_TCP, k.TCP_CONGESTION), 'reno');
      assert.equal(text(fd, k.SOL_SOCKET, k.SO_BINDTODEVICE), 'lo');
    }
  });

  test('of a listener are on the listener', native, async (t) => {
    const { k, number } = await kernel();
    const { server } = await startRig(t, {}, { deferAccept: 1_000, fastOpen: 5 }, loopback);
    const listener = server.dupFd();
    t.after(() => closeSync(listener));
    assert.equal(number(listener, k.IPPROTO_TCP, k.TCP_FASTOPEN), 5);
    // The kernel counts in its own steps: one second is one, at least.
    assert.ok(number(listener, k.IPPROTO_TCP, k.TCP_DEFER_ACCEPT) >= 1);
  });

  test('a client that says nothing is not accepted yet', native, async (t) => {
    const rig = await startRig(t, { react: (frame) => frame }, { deferAccept: 30_000 }, loopback);
    const client = await connect(t, rig);
    assert.deepEqual(rig.events, ['init']);
    client.write('hello');
    assert.equal(String(await client.readExactly(5)), 'hello');
    assert.deepEqual(rig.events, ['init', 'open']);
  });

  test('a server answers with small pieces of pending output as with large ones', async (t) => {
    const { c, client } = await pair(t, {}, { writeBufferCap: 1 });
    const sent = Buffer.from(Array.from({ length: 100_000 }, (_, at) => at % 251));
    c.asyncWritev([sent.subarray(0, 10), sent.subarray(10)]);
    assert.deepEqual(await client.readExactly(sent.length), sent);
  });

  test('that the kernel does not take reject serve and dial', native, async (t) => {
    const serveWith = (options: Options) => startRig(t, {}, options, loopback);
    await assert.rejects(serveWith({ congestion: 'none-such' }), { code: 'ENOENT' });
    await assert.rejects(serveWith({ bindToDevice: 'none-such' }), { code: 'ENODEV' });
    const rig = await startRig(t, {}, {}, loopback);
    const { client } = await startClient(t, {}, { bindToDevice: 'none-such' });
    await assert.rejects(client.dial(`tcp://${rig.server.addr}`), SyscallError);
  });

  test('bindToDevice is refused where a socket would be open to everybody', async (t) => {
    const opened = startRig(t, {}, { bindToDevice: 'lo' }, loopback);
    if (driverName === 'node') await assert.rejects(opened, ErrUnsupportedOp);
    else await opened;
  });

  test('are refused when they mean nothing', async (t) => {
    const wrong: Options[] = [
      { tcpKeepInterval: 1_000 },
      { tcpKeepCount: 3 },
      { tcpKeepAlive: 1_000, tcpKeepCount: 128 },
      { bindToDevice: 'longer-than-any-interface' },
      { bindToDevice: '../lo' },
      { congestion: '' },
      { fastOpen: -1 },
      { writeBufferCap: 2 ** 25 },
    ];
    for (const options of wrong) await assert.rejects(startRig(t, {}, options), ErrInvalidOption);
  });
});
