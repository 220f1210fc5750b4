import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refusalOf } from '../../../test/support/driver.ts';

const skip = await refusalOf('epoll');

test('a piece of more than 4 GiB is not cut to what is left of its length', { skip }, async (t) => {
  const { GatheredSend } = await import('./gathered-send.ts');
  const { foreignInterface } = await import('../../ffi/index.ts');
  const { closeDescriptor } = await import('../../syscall/descriptor.ts');
  const { receive, socketPair } = await import('../../syscall/socket.ts');
  let huge: Uint8Array;
  try {
    huge = new Uint8Array(2 ** 32 + 5); // no page of it is there before it is read
  } catch {
    return t.skip('no room for it');
  }
  const [ours, theirs] = socketPair() as readonly [number, number];
  t.after(() => [ours, theirs].forEach((descriptor) => void closeDescriptor(descriptor)));
  const taken = GatheredSend.sendPieces(ours, [huge, Buffer.from('what follows')]);
  assert.ok(taken > 5, `${taken} bytes were taken`);
  const received = Buffer.alloc(64, 1);
  assert.equal(receive(theirs, foreignInterface.addressOf(received), 64), 64);
  assert.deepEqual(received, Buffer.alloc(64));
});
