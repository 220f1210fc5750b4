/** Restarts of a server with one loop. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { driverName } from '../support/driver.ts';
import { RestartRig } from './restart-rig.ts';
import { stormTest, takesTurns, transports } from './storm-test.ts';

describe('restarts in a storm lose nothing', () => {
  for (const transport of transports) {
    stormTest(transport, { reusePort: takesTurns(transport, 1) });
  }
});

describe('what cannot be handed over', () => {
  test('is refused before anything is started', async (t) => {
    if (driverName !== 'node') {
      t.skip('the driver node alone cannot');
      return;
    }
    const rig = await RestartRig.start(t, { servers: [['udp://127.0.0.1:0']] });
    process.kill(rig.pid, 'SIGUSR2');
    await rig.line(/the restart failed.*ErrUnsupportedOp.*datagram socket/m);
    assert.equal(rig.pids.length, 1);
  });
});
