import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refusalOf } from '../../../test/support/driver.ts';

const skip = await refusalOf('epoll');

test('what macOS says of a connection that is torn down is a reset', { skip }, async () => {
  const { streamError } = await import('./broken-stream.ts');
  const { brokenPipe, wrongProtocolType } = await import('./errno-sets.ts');
  const { closeDescriptor } = await import('../../syscall/descriptor.ts');
  const { openSocket } = await import('../../syscall/socket.ts');
  const { constants } = await import('../../syscall/tables.ts');
  for (const [family, code] of [
    [constants.AF_INET, 'ECONNRESET'],
    [constants.AF_UNIX, 'EPIPE'],
  ] as const) {
    const socket = openSocket(family, constants.SOCK_STREAM);
    for (const errno of [brokenPipe, wrongProtocolType]) {
      assert.equal(streamError({ errno, call: 'send' }, false, socket, 'somewhere').code, code);
    }
    closeDescriptor(socket);
  }
});
