/** The system refuses to give out a connection that waits, as a security module or seccomp does. */
// First: files look their calls up once.
import { setCallFault } from '../../testing/failing-calls.ts';
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { driverName, notOn } from '../support/driver.ts';
import { codeOf, connect, EchoHandler, startRig, text } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';

afterEach(() => setCallFault(null));

const native = notOn('node', 'the runtime makes the calls');
test(
  'EPERM for good: the listener rests and reports it, and serves who waits afterwards',
  native,
  async (t) => {
    if (driverName === 'io_uring') await import('../../testing/failing-completions.ts');
    const rig = await startRig(t, new EchoHandler());
    const rests = (): number => rig.server.stats().loops[0]?.acceptRests ?? 0;
    const client = await connect(t, rig);
    client.write('x');
    assert.equal(text(await client.readExactly(1)), 'x');
    const call = driverName === 'io_uring' ? 'io_uring:accept' : 'accept4';
    setCallFault({ call, errno: 'EPERM' });
    // io_uring has one in flight.
    const waiting = [await connect(t, rig), await connect(t, rig)];
    for (const one of waiting) one.write('y');
    await waitUntil(() => rests() > 0, 'it rests');
    assert.equal(codeOf(rig.reports[0]?.err), 'EPERM');
    setCallFault(null);
    for (const one of waiting) assert.equal(text(await one.readExactly(1)), 'y');
  },
);
