/** Names with several addresses, and where calls come from. */
import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { describe, test } from 'node:test';
import { ErrInvalidNetworkAddress, ErrInvalidOption, ErrTimeout, ErrUnsupportedOp } from 'gnet';
import { interleaved } from '../../src/server/address-race.ts';
import type { Endpoint } from '../../src/driver/contract.ts';
import { deadAddress, rejection, silentAddress, startClient } from '../support/client-rig.ts';
import { startRig } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';

const hasIpv6 = networkInterfaces()['lo']?.some(({ family }) => family === 'IPv6') === true;
const needsIpv6 = { skip: !hasIpv6 && 'this machine has no IPv6 on lo' };
const portOf = (address: string): string => address.split(':').at(-1) ?? '';

function endpoint(host: string): Endpoint {
  const family = host.includes(':') ? 6 : 4;
  return { kind: 'tcp', family, v6Only: family === 6, host, port: 1 };
}

test('the families take turns, in the order of the name service', () => {
  const order = (...hosts: string[]): string[] =>
    interleaved(hosts.map(endpoint)).map((one) => (one.kind === 'unix' ? '' : one.host));
  assert.deepEqual(order('::1', '::2', '::3', '1.1.1.1'), ['::1', '1.1.1.1', '::2', '::3']);
  assert.deepEqual(order('1.1.1.1', '::1', '::2'), ['1.1.1.1', '::1', '::2']);
  assert.deepEqual(order('1.1.1.1'), ['1.1.1.1']);
});

describe('a name with two addresses', () => {
  test('is reached though the first one never answers', needsIpv6, async (t) => {
    const port = portOf(await silentAddress(t));
    const rig = await startRig(t, {}, {}, `tcp6://[::1]:${port}`);
    const { client, events } = await startClient(t);
    // Without a host: 127.0.0.1, then ::1.
    const c = await client.dial(`tcp://:${port}`);
    assert.equal(c.remoteAddr, rig.server.addr);
    assert.deepEqual(events, ['init', 'open']);
    assert.equal(client.countConnections(), 1);
  });

  test('is reached at once when the first one refuses', needsIpv6, async (t) => {
    const rig = await startRig(t, {}, {}, 'tcp6://[::1]:0');
    const { client } = await startClient(t);
    const options = { attemptDelay: 2 ** 31 - 1 };
    const c = await client.dial(`tcp://:${portOf(rig.server.addr)}`, options);
    assert.equal(c.remoteAddr, rig.server.addr);
  });

  test('that both fail rejects with the error of the first', needsIpv6, async (t) => {
    const port = portOf(await deadAddress());
    const { client } = await startClient(t);
    const error = (await rejection(client.dial(`tcp://:${port}`))) as { address?: string };
    assert.equal(error.address, `127.0.0.1:${port}`);
  });
});

test('attemptTimeout gives one address up, timeout all of them', async (t) => {
  const address = await silentAddress(t);
  const { client } = await startClient(t);
  for (const options of [{ attemptTimeout: 30 }, { timeout: 30 }]) {
    await assert.rejects(client.dial(`tcp://${address}`, options), ErrTimeout);
  }
  const pending = client.dial(`tcp://${address}`, { attemptTimeout: 60_000 });
  void client.stop();
  await assert.rejects(pending, { code: 'ErrServerInShutdown' });
});

describe('localAddress', () => {
  test('is where the call comes from', async (t) => {
    const peers: string[] = [];
    const rig = await startRig(t, { onOpened: (c) => void peers.push(c.remoteAddr) });
    const { client } = await startClient(t);
    const c = await client.dial(`tcp://${rig.server.addr}`, { localAddress: '127.0.0.9' });
    await waitUntil(() => peers.length === 1, 'the call');
    assert.match(c.localAddr, /^127\.0\.0\.9:\d+$/);
    assert.equal(peers[0], c.localAddr);
    const port = portOf(await deadAddress());
    const from = `127.0.0.9:${port}`;
    const other = await client.dial(`tcp://${rig.server.addr}`, { localAddress: from });
    assert.equal(other.localAddr, from);
  });

  test('that is not ours, or of another kind, is refused', async (t) => {
    const rig = await startRig(t, {});
    const { client } = await startClient(t);
    const dial = (localAddress: string) =>
      client.dial(`tcp://${rig.server.addr}`, { localAddress });
    await assert.rejects(dial('192.0.2.1'), {
      code: 'EADDRNOTAVAIL',
      syscall: 'bind',
      address: '192.0.2.1:0',
    });
    await assert.rejects(dial(rig.server.addr), {
      code: 'EADDRINUSE',
      syscall: 'bind',
      address: rig.server.addr,
    });
    await assert.rejects(dial('::1'), ErrInvalidNetworkAddress);
    for (const wrong of ['', 'localhost', '127.0.0.1:70000', '::1:', 5]) {
      await assert.rejects(dial(wrong as string), ErrInvalidOption);
    }
  });
});

test('a client has one loop', async (t) => {
  const rig = await startRig(t, {});
  const { client } = await startClient(t);
  for (const loop of ['same', 0] as const) {
    const c = await client.dial(`tcp://${rig.server.addr}`, { loop });
    assert.equal(c.loop, client.loops[0]);
  }
  await assert.rejects(client.dial(`tcp://${rig.server.addr}`, { loop: 1 }), ErrUnsupportedOp);
});
