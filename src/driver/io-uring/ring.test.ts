import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { refusalOf } from '../../../test/support/driver.ts';

const skip = await refusalOf('io_uring');

describe('the ring', { skip }, () => {
  test('what a call that waited for one operation has collected is kept, however few a wait takes', async () => {
    const { Ring } = await import('./ring.ts');
    const { Operations } = await import('./operations.ts');
    const { kind, tagOf } = await import('./completion-tags.ts');
    const { closeDescriptor } = await import('../../syscall/descriptor.ts');
    const { eventDescriptor, signalEvent } = await import('../../syscall/linux/eventfd.ts');
    const ring = new Ring(64);
    const operations = new Operations(ring, 0);
    const event = eventDescriptor();
    try {
      const polls = 40;
      for (let number = 0; number < polls; number++) {
        operations.pollReadable(event, tagOf(kind.watched, number), 1);
      }
      signalEvent(event);
      assert.ok(ring.settle(tagOf(kind.watched, polls - 1), 1));
      const collected = ring.completions.count;
      assert.equal(collected, polls);
      ring.collect(0, 1);
      assert.equal(ring.completions.count, collected, 'none is given up');
      // Nothing else will come: a wait without a limit must not sleep over what is there.
      ring.collect(-1, 1);
      assert.equal(ring.completions.count, collected);
    } finally {
      ring.close();
      closeDescriptor(event);
    }
  });
});
