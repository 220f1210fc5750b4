/** Restarts while clients come, ask, stay and stream: none of them notices. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Options } from 'gnet';
import { makeFamily } from '../../testing/certificates.ts';
import { driverName } from '../support/driver.ts';
import { type TestScope, temporaryDirectory } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';
import { assertOnlyListeners, socketsOf } from './left-behind.ts';
import { RestartRig } from './restart-rig.ts';
import { Storm, type StormCounts } from './storm.ts';

export const transports = ['tcp', 'tls', 'unix', 'udp'] as const;
export type Transport = (typeof transports)[number];

const family = makeFamily();
const tls = {
  key: family.leaf.key,
  cert: family.leaf.cert + family.middle.cert,
};

const drivers = ['epoll', 'io_uring', 'node'];

/**
 * Whether a transport's listeners are one for all loops, or one each: the tests of one loop and of
 * several take turns in that, and so do drivers, so that there are no more tests than transports.
 */
export function takesTurns(transport: Transport, loops: number): boolean {
  if (transport === 'unix') return false; // a path belongs to one socket
  const turn = transports.indexOf(transport) + drivers.indexOf(driverName) + loops;
  return turn % 2 === 0;
}

function addressOf(t: TestScope, transport: Transport): string {
  if (transport === 'unix') return `unix://${join(temporaryDirectory(t), 's.sock')}`;
  return `${transport}://127.0.0.1:0`;
}

/** Clients of every kind have been answered since. */
async function answered(storm: Storm, transport: Transport): Promise<void> {
  const before = { ...storm.counts };
  const kinds: readonly (keyof StormCounts)[] =
    transport === 'udp' ? ['datagrams'] : ['single', 'kept', 'streams'];
  const moved = (): boolean => kinds.every((kind) => storm.counts[kind] > before[kind]);
  await waitUntil(() => moved() || storm.counts.wrong.length > 0, 'clients are answered');
}

export function stormTest(transport: Transport, options: Options, restarts = 2): void {
  const loops = options.numEventLoop ?? 1;
  const { reusePort = false } = options;
  const name = `${transport}, ${loops} loop${loops > 1 ? 's' : ''}${reusePort ? ', reusePort' : ''}`;
  const noDatagrams = 'datagram sockets cannot be handed over: restart says so';
  const noUnixLoops = 'a path belongs to one loop';
  let skip: string | false = false;
  if (driverName === 'node' && transport === 'udp') skip = noDatagrams;
  if (driverName === 'node' && transport === 'unix' && loops > 1) skip = noUnixLoops;
  const secure = transport === 'tls';
  test(name, { skip }, async (t) => {
    const rig = await RestartRig.start(t, {
      servers: [[addressOf(t, transport)]],
      options: { ...options, ...(secure && { tls }) },
    });
    const [address = ''] = rig.addresses();
    const ca = secure ? { ca: family.root.cert } : {};
    const plan = { address, transport, clients: 1, streamBytes: 1024 * 1024, restMs: 10, ...ca };
    const storm = new Storm(plan);
    await answered(storm, transport);
    for (let count = 0; count < restarts; count++) {
      const sockets = socketsOf(rig.pid);
      const old = await rig.restart();
      await answered(storm, transport);
      assertOnlyListeners(sockets, rig.pid);
      await rig.gone(old);
    }
    const counts = await storm.end();
    assert.deepEqual(counts.wrong, []);
    if (secure) assert.ok(counts.resumed > 0);
    assert.deepEqual(rig.addresses(), [address]);
  });
}
