/** Settings of one connection's socket, each read back from the kernel. */
import assert from 'node:assert/strict';
import { closeSync } from 'node:fs';
import { describe, test } from 'node:test';
import { type Conn, ErrConnClosed, ErrInvalidOption, ErrUnsupportedOp } from 'gnet';
import { driverName, notOn } from '../support/driver.ts';
import { codeOf, connect, freeAddress, pair } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';

const native = notOn('node', 'its sockets have no descriptors to look at');

/** What the kernel has, as `getsockopt` tells. */
async function kernelOf(c: Conn) {
  const { getOption } = await import('../../src/syscall/socket.ts');
  const { constants: k } = await import('../../src/syscall/tables.ts');
  const descriptor = c.fd;
  return {
    socket: (option: 'SO_RCVBUF' | 'SO_SNDBUF' | 'SO_LINGER') =>
      getOption(descriptor, k.SOL_SOCKET, k[option]),
    tcp: (option: 'TCP_USER_TIMEOUT' | 'TCP_QUICKACK') =>
      getOption(descriptor, k.IPPROTO_TCP, k[option]),
  };
}

describe('settings of a socket', () => {
  test('are what the kernel has then', native, async (t) => {
    const { c } = await pair(t);
    const kernel = await kernelOf(c);
    c.setReadBuffer(20_000);
    c.setWriteBuffer(30_000);
    // The kernel doubles them: socket(7).
    assert.equal(kernel.socket('SO_RCVBUF'), 40_000);
    assert.equal(kernel.socket('SO_SNDBUF'), 60_000);
    c.setUserTimeout(12_345);
    assert.equal(kernel.tcp('TCP_USER_TIMEOUT'), 12_345);
    c.setUserTimeout(0);
    assert.equal(kernel.tcp('TCP_USER_TIMEOUT'), 0);
    c.setQuickAck(false);
    assert.equal(kernel.tcp('TCP_QUICKACK'), 0);
    c.setQuickAck(true);
    assert.equal(kernel.tcp('TCP_QUICKACK'), 1);
    for (const [seconds, on] of [
      [0, 1],
      [3, 0],
      [-1, 0],
    ] as const) {
      c.setLinger(seconds);
      assert.equal(kernel.socket('SO_LINGER'), on, `setLinger(${seconds})`);
    }
  });

  test('of a Unix socket are its buffers; what is about TCP is refused', native, async (t) => {
    const { c } = await pair(t, {}, {}, freeAddress(t, 'unix'));
    const kernel = await kernelOf(c);
    c.setReadBuffer(20_000);
    c.setWriteBuffer(30_000);
    assert.equal(kernel.socket('SO_RCVBUF'), 40_000);
    assert.equal(kernel.socket('SO_SNDBUF'), 60_000);
    c.setLinger(-1);
    assert.throws(() => c.setUserTimeout(1), ErrUnsupportedOp);
    assert.throws(() => c.setQuickAck(true), ErrUnsupportedOp);
    assert.equal(c.tcpInfo(), undefined);
  });

  test('are refused by name where the driver cannot', async (t) => {
    const { c } = await pair(t);
    const calls = [
      () => c.setReadBuffer(4_096),
      () => c.setWriteBuffer(4_096),
      () => c.setUserTimeout(1_000),
      () => c.setQuickAck(true),
      () => closeSync(c.dup()),
    ];
    for (const call of calls) {
      if (driverName === 'node') assert.throws(call, ErrUnsupportedOp);
      else call();
    }
    assert.equal(c.tcpInfo() === undefined, driverName === 'node');
  });

  test('take no values that mean nothing, and none after the close', async (t) => {
    const { c, client, rig } = await pair(t);
    for (const value of [-1, 0, 1.5, 2 ** 31, Number.NaN, '1', undefined]) {
      assert.throws(() => c.setReadBuffer(value as number), ErrInvalidOption);
      assert.throws(() => c.setWriteBuffer(value as number), ErrInvalidOption);
    }
    for (const value of [-1, 2 ** 31, '1']) {
      assert.throws(() => c.setUserTimeout(value as number), ErrInvalidOption);
    }
    assert.throws(() => c.setLinger(0.5), ErrInvalidOption);
    assert.throws(() => c.setLinger(65_536), ErrInvalidOption);
    assert.throws(() => c.setQuickAck(1 as never), ErrInvalidOption);
    client.destroy();
    await waitUntil(() => rig.closeErrors.length === 1, 'onClosed');
    c.setLinger(0);
    if (driverName !== 'node') {
      c.setReadBuffer(4_096);
      c.setQuickAck(true);
      assert.throws(() => c.dup(), ErrConnClosed);
    }
    assert.equal(c.tcpInfo(), undefined);
  });
});

describe('setLinger', () => {
  test('0 makes every close of ours a reset', async (t) => {
    for (const how of ['close', 'action', 'stop'] as const) {
      const handler = { react: () => (how === 'action' ? 1 : undefined) } as const;
      const { c, client, rig } = await pair(t, handler);
      c.setLinger(0);
      if (how === 'close') c.close();
      else if (how === 'stop') void rig.server.stop();
      else client.write('x');
      await client.untilClosed();
      assert.equal(client.broken, 'ECONNRESET', how);
      await waitUntil(() => rig.closeErrors.length === 1, 'onClosed');
      assert.deepEqual(rig.closeErrors, [undefined]);
    }
  });

  test('a time is how long the close waits for the peer, without blocking the loop', async (t) => {
    const { c, client, rig } = await pair(t, {}, { closeTimeout: 60_000 });
    client.pauseReading();
    const other = await connect(t, rig);
    c.setLinger(1);
    // More than the kernel takes: the peer reads nothing of it.
    c.writev(Array.from({ length: 200 }, () => Buffer.alloc(65_536)));
    c.close();
    other.write('still there');
    await waitUntil(() => rig.closeErrors.length === 1, 'the close');
    assert.equal(codeOf(rig.closeErrors[0]), 'ErrTimeout');
  });
});

test('tcpInfo knows what is under way', native, async (t) => {
  const { c, client } = await pair(t);
  c.writev(['hello']);
  await client.readExactly(5);
  await waitUntil(() => c.tcpInfo()?.unacked === 0, 'the acknowledgement');
  const info = c.tcpInfo();
  assert.ok(info !== undefined && info.rtt > 0 && info.rtt < 60_000, `rtt ${info?.rtt}`);
  assert.deepEqual([info.retransmits, info.lost, info.segmentsSent], [0, 0, 1]);
  assert.ok(info.segmentBytes > 0 && info.congestionWindow > 0);
});

test('dup is a descriptor of its own, which outlives the connection', native, async (t) => {
  const { c, client, rig } = await pair(t);
  const descriptor = c.dup();
  assert.notEqual(descriptor, c.fd);
  c.close();
  client.end();
  await waitUntil(() => rig.closeErrors.length === 1, 'onClosed');
  closeSync(descriptor);
  assert.throws(() => closeSync(descriptor), { code: 'EBADF' });
});
