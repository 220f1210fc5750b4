/** Restarts of a server with several loops: one listener for all, or one each. */
import { describe } from 'node:test';
import { stormTest } from './storm-test.ts';

describe('restarts in a storm lose nothing, over several loops', () => {
  for (const transport of ['tcp', 'tls', 'unix', 'udp'] as const) {
    stormTest(transport, { numEventLoop: 2 }, 1);
  }
  stormTest('tcp', { numEventLoop: 2, reusePort: true }, 1);
});
