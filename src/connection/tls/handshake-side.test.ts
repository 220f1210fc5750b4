import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Slab } from '../../buffer/slab.ts';
import type { LayeredConnection } from '../layer.ts';
import { HandshakeSide } from './handshake-side.ts';

/** A connection of a loop that read the clock long ago, and what its stamps are. */
function heldUp() {
  const stamps: Record<string, number> = {};
  const owner = {
    now: 1_000,
    currentTime(): number {
      this.now = 9_000;
      return this.now;
    },
  };
  const stamp = (event: string) => (): void => {
    stamps[event] = owner.now;
  };
  const connection = {
    slot: 1,
    generation: 1,
    owner,
    notOpenedYet(): void {},
    received: stamp('received'),
    writable: stamp('writable'),
    ended: stamp('ended'),
  };
  return { stamps, connection: connection as unknown as LayeredConnection };
}

for (const outside of [true, false]) {
  const when = outside ? 'whenever the runtime calls' : "inside the loop's turns";
  test(`what comes ${when} is stamped with the time of ${outside ? 'now' : 'the turn'}`, () => {
    const counts = { handshakes: 0, failures: 0, handshakeMs: 0 };
    const session = { peerName: 'the client', hasFacts: false, facts: assert.fail };
    const handshake = { timeoutMs: 0, serverName: () => undefined };
    for (const event of ['received', 'writable', 'ended'] as const) {
      const { stamps, connection } = heldUp();
      const side = new HandshakeSide(connection, handshake, counts, session, outside);
      if (event === 'received') side.received(null as unknown as Slab, 0, 1);
      else side[event]();
      assert.deepEqual(stamps, { [event]: outside ? 9_000 : 1_000 });
    }
  });
}
