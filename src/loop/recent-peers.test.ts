import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inetAddress, mappedInet } from '../base/inet-address.ts';
import { RecentPeers } from './recent-peers.ts';

test('a peer that is still known is the same object, as long as nothing about it differs', () => {
  const peers = new RecentPeers();
  const first = peers.of(inetAddress(4, '192.0.2.1', 5_000));
  assert.equal(peers.of(inetAddress(4, '192.0.2.1', 5_000)), first);
  const inet6 = inetAddress(6, 'fe80::1', 5_000);
  const others = [
    inetAddress(4, '192.0.2.1', 5_001),
    inetAddress(4, '192.0.2.2', 5_000),
    mappedInet(inetAddress(4, '192.0.2.1', 5_000)),
    inet6,
    { ...inet6, scope: 2 },
    { ...inet6, word1: 1 },
    { ...inet6, word2: 1 },
    { ...inet6, word3: 1 },
  ];
  for (const other of others) assert.deepEqual({ ...peers.of(other) }, { ...other, text: null });
});

test('of more peers than it keeps each is still itself, and what was given out never changes', () => {
  const peers = new RecentPeers();
  const ports = Array.from({ length: 10_000 }, (_, index) => 50_000 - index);
  const given = ports.map((port) => peers.of(inetAddress(4, '127.0.0.1', port)));
  assert.deepEqual(
    given.map(({ port }) => port),
    ports,
  );
});
