/** Operations of io_uring that the kernel refuses say nothing of the connection that they are about. */
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { client } from 'gnet';
import { driverName } from '../support/driver.ts';
import { newCounters } from '../../src/driver/counters.ts';
import { silentAddress } from '../support/client-rig.ts';

const skip = driverName !== 'io_uring' && 'only io_uring has operations';

describe('an operation that the kernel refuses', { skip }, async () => {
  if (skip !== false) return;
  const { setCallFault } = await import('../../testing/failing-calls.ts');
  await import('../../testing/failing-completions.ts');
  const { Operations } = await import('../../src/driver/io-uring/operations.ts');
  const { ClosingStreams } = await import('../../src/driver/io-uring/closing.ts');
  const { Sending } = await import('../../src/driver/io-uring/sending.ts');
  const { MemoryRest } = await import('../../src/driver/native/memory-rest.ts');
  const { Stream } = await import('../../src/driver/io-uring/stream.ts');
  const { mark, receive, send } = await import('../../src/driver/io-uring/stream-states.ts');
  afterEach(() => setCallFault(null));

  for (const errno of ['ENOMEM', 'ECANCELED']) {
    test(`${errno} for the poll of a dial is no connection`, async (t) => {
      const address = await silentAddress(t);
      const dialler = await client({}, { driver: 'io_uring' });
      t.after(() => dialler.close());
      setCallFault({ call: 'io_uring:connect', errno, times: 1 });
      await assert.rejects(dialler.dial(`tcp://${address}`, { timeout: 100 }), {
        code: 'ErrTimeout',
      });
    });
  }

  test('a wait that did not take place gives up no stream', (t) => {
    const operations: InstanceType<typeof Operations> = Object.create(Operations.prototype);
    operations.sweepLater = () => {};
    operations.cancelStream = () => assert.fail('it is given up');
    const rest = new MemoryRest(newCounters(), () => {});
    t.after(() => rest.close());
    const sending = Object.create(Sending.prototype) as InstanceType<typeof Sending>;
    const closing = new ClosingStreams(operations, sending, undefined, rest);
    closing.begin(new Stream(0, 1, -1, send.held | mark.congested | receive.inFlight), false);
    for (const errno of [12, 12, 12]) closing.sweep(-errno);
  });
});
