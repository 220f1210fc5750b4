/** Restarts of a server with several loops: one listener for all, or one each. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RawClient } from 'gnet/testing';
import { text } from '../support/rig.ts';
import { RestartRig } from './restart-rig.ts';
import { stormTest, takesTurns, transports } from './storm-test.ts';

describe('restarts in a storm lose nothing, over several loops', () => {
  for (const transport of transports) {
    stormTest(transport, { numEventLoop: 2, reusePort: takesTurns(transport, 2) }, 1);
  }
  stormTest('tcp', { numEventLoop: 2, reusePort: !takesTurns('tcp', 2) }, 1);
});

describe('another version', () => {
  test('may have more loops or fewer: every queue has a reader', async (t) => {
    const options = { numEventLoop: 2, reusePort: true };
    const rig = await RestartRig.start(t, { servers: [['tcp://127.0.0.1:0']], options });
    const [address = ''] = rig.addresses();
    for (const numEventLoop of [1, 3]) {
      rig.next({ options: { ...options, numEventLoop } });
      await rig.gone(await rig.restart());
      assert.deepEqual(rig.addresses(), [address]);
      // The kernel spreads them over all sockets.
      for (let count = 0; count < 20; count++) {
        const client = await RawClient.connect(address);
        client.write('hello');
        assert.equal(text(await client.readExactly(5)), 'hello');
        client.destroy();
      }
    }
  });
});
