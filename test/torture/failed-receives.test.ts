/** Of which call an error is that ends a connection. */
// First: files look their calls up once.
import { setCallFault } from '../../testing/failing-calls.ts';
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import type { SyscallError } from 'gnet';
import { driverName, notOn } from '../support/driver.ts';
import { connect, startRig } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';

afterEach(() => setCallFault(null));

const native = notOn('node', 'the runtime makes the calls');
test('an error of receiving is one of recv', native, async (t) => {
  if (driverName === 'io_uring') await import('../../testing/failing-completions.ts');
  const rig = await startRig(t, {});
  const call = driverName === 'io_uring' ? 'io_uring:receive' : 'recvfrom';
  setCallFault({ call, errno: 'ETIMEDOUT' });
  const client = await connect(t, rig);
  client.write('x');
  await waitUntil(() => rig.closeErrors.length === 1, 'it is closed');
  const error = rig.closeErrors[0] as SyscallError;
  assert.deepEqual([error.code, error.syscall], ['ETIMEDOUT', 'recv']);
});
