/** One of the two processes of a restart is killed: over TLS, with datagrams, with several loops. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { connect } from 'node:tls';
import type { Options } from 'gnet';
import { targetOf } from 'gnet/testing';
import { makeFamily } from '../../testing/certificates.ts';
import { DatagramClient } from '../support/datagram-client.ts';
import { driverName } from '../support/driver.ts';
import { type TestScope, text } from '../support/rig.ts';
import { settle } from '../support/wait-until.ts';
import { whoServes } from './who-serves.ts';
import { RestartRig } from './restart-rig.ts';

interface Cell {
  readonly name: string;
  readonly address: string;
  readonly options: Options;
  readonly skip?: boolean;
  /** Which process answers. */
  readonly ask: (t: TestScope, address: string) => Promise<number>;
}

const { leaf, middle, root } = makeFamily();
const tls = { key: leaf.key, cert: leaf.cert + middle.cert };

async function askSecurely(_: TestScope, address: string): Promise<number> {
  const target = targetOf(address) as { host: string; port: number };
  const socket = connect({ ...target, ca: root.cert, servername: 'localhost' });
  socket.write('who');
  const [answer] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return Number.parseInt(text(answer), 10);
}

/** Asks until somebody answers: what a dead process had taken is lost with it. */
async function askByDatagram(t: TestScope, address: string): Promise<number> {
  const client = await DatagramClient.open(t);
  const again = setInterval(() => void client.send(address, 'who'), 50);
  try {
    await client.send(address, 'who');
    return Number.parseInt(text(await client.next()), 10);
  } finally {
    clearInterval(again);
    client.close();
  }
}

const askInClear = (_: TestScope, address: string): Promise<number> => whoServes(address);

const cells: readonly Cell[] = [
  { name: 'TLS', address: 'tls://127.0.0.1:0', options: { tls }, ask: askSecurely },
  {
    name: 'datagrams',
    address: 'udp://127.0.0.1:0',
    options: {},
    skip: driverName === 'node', // which cannot hand them over
    ask: askByDatagram,
  },
  {
    // Drivers take turns in how the loops share the address.
    name: driverName === 'io_uring' ? 'two loops with a listener each' : 'two loops',
    address: 'tcp://127.0.0.1:0',
    options: { numEventLoop: 2, reusePort: driverName === 'io_uring' },
    ask: askInClear,
  },
];

const triesMax = 200;

/**
 * A ring of a process that was killed accepts until the kernel has torn it down, and what it has
 * accepted is reset: the next attempt is another's.
 */
async function survivorOf(
  cell: Cell,
  t: TestScope,
  address: string,
  dead: number,
): Promise<number> {
  for (let tries = 0; tries < triesMax; tries++) {
    try {
      return await cell.ask(t, address);
    } catch (error) {
      if (driverName !== 'io_uring') throw error;
      await settle();
    }
  }
  throw new Error(`nobody answers after ${dead}`);
}

describe('whoever is left serves', { concurrency: 2 }, () => {
  for (const cell of cells) {
    test(cell.name, { skip: cell.skip ?? false }, async (t) => {
      const { options } = cell;
      const rig = await RestartRig.start(t, { servers: [[cell.address]], options });
      const [address = ''] = rig.addresses();
      const old = rig.pid;
      rig.next({ fault: 'dies accepting' });
      process.kill(old, 'SIGUSR2');
      await rig.line(/the restart failed.*ErrRestartFailed.*ended by SIGKILL/m);
      assert.equal(await cell.ask(t, address), old);
      rig.next({ fault: 'slow' });
      process.kill(old, 'SIGUSR2');
      await rig.line(/^slow \d+/m);
      process.kill(old, 'SIGKILL');
      const fresh = await rig.up();
      assert.notEqual(fresh, old);
      assert.deepEqual(rig.addresses(), [address]);
      assert.equal(await survivorOf(cell, t, address, old), fresh);
    });
  }
});
