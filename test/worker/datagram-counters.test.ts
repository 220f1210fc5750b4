/** Datagrams of several loops: each counts its own, received or dropped by the kernel. */
import assert from 'node:assert/strict';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { DatagramClient } from '../support/datagram-client.ts';
import { notOn } from '../support/driver.ts';
import { temporaryDirectory } from '../support/rig.ts';
import { settle, waitUntil } from '../support/wait-until.ts';
import { handlerModule, startLoops } from './pool-rig.ts';

test(
  'every datagram is counted: as received, or as overflowed',
  notOn('node', 'the runtime does not tell what the kernel dropped'),
  async (t) => {
    const path = join(temporaryDirectory(t), 'hold');
    writeFileSync(path, '');
    t.after(() => rmSync(path, { force: true }));
    const { server } = await startLoops(
      t,
      handlerModule('blocks.ts', { path }),
      // A small buffer, which a flood fills.
      { numEventLoop: 2, socketRecvBuffer: 8_192 },
      'udp://127.0.0.1:0',
    );
    // The kernel picks the loop by the address of the sender: among so many both are picked.
    const clients = await Promise.all(Array.from({ length: 24 }, () => DatagramClient.open(t)));
    let sent = 0;
    const send = async (data: string | Buffer): Promise<void> => {
      for (const client of clients) await client.send(server.addr, data);
      sent += clients.length;
    };
    const sum = (name: 'datagramsReceived' | 'datagramsOverflowed'): number =>
      server.stats().loops.reduce((total, loop) => total + loop[name], 0);
    await send('block');
    await waitUntil(
      () => [0, 1].every((loop) => existsSync(`${path}.${loop}`)),
      'both are blocked',
    );
    for (let round = 0; round < 40; round++) await send(Buffer.alloc(300));
    rmSync(path);
    // What the kernel drops behind the last one that it keeps is told by the next one.
    for (let round = 0; round < 1_000; round++) {
      await send('');
      await settle(10);
      if (sum('datagramsReceived') + sum('datagramsOverflowed') === sent) break;
    }
    const { loops } = server.stats();
    assert.equal(sum('datagramsReceived') + sum('datagramsOverflowed'), sent);
    for (const { datagramsReceived, datagramsOverflowed } of loops) {
      assert.ok(datagramsReceived > 0 && datagramsOverflowed > 0, JSON.stringify(loops));
    }
  },
);
