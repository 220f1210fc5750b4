/** Outgoing connections of a loop over the simulated driver: every outcome once, every slot back. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { GnetError } from '../../src/base/errors.ts';
import type { StreamConnection } from '../../src/connection/stream-connection.ts';
import type { Attempt, DialOutcome } from '../../src/loop/dialer.ts';
import { Random, noFaults } from 'gnet/testing';
import { simulatedLoop } from './simulated-loop.ts';
import { tcp4At } from '../../testing/driver-contract-case.ts';

class Outcome implements DialOutcome {
  attempt: Attempt | null = null;
  abandoned = false;
  connection: StreamConnection | null = null;
  outcomes = 0;
  error: GnetError | null = null;

  connected(connection: StreamConnection): void {
    this.outcomes++;
    this.connection = connection;
    connection.opened();
  }
  failed(error: GnetError): void {
    this.outcomes++;
    this.error = error;
  }
}

describe('dialling', () => {
  test('refusals, given-up attempts and closes in any order', async () => {
    const scenario = fc.record({
      seed: fc.integer(),
      refusal: fc.constantFrom(0, 0.3, 1),
      steps: fc.array(fc.constantFrom('dial', 'abandon', 'close', 'turn'), { maxLength: 60 }),
    });
    await fc.assert(
      fc.asyncProperty(scenario, async ({ seed, refusal, steps }) => {
        const random = new Random(seed);
        const faults = { ...noFaults, connectRefusal: refusal };
        const rig = simulatedLoop({}, { seed, faults });
        const port = Number(rig.driver.listenerAddress(0).split(':')[1]);
        const endpoint = tcp4At(port);
        const all: Outcome[] = [];
        const ids = new Set<number>();
        const pick = (): Outcome | undefined => all[random.below(Math.max(1, all.length))];
        for (const step of steps) {
          const one = pick();
          if (step === 'dial') {
            const outcome = new Outcome();
            outcome.attempt = rig.loop.dial(endpoint, outcome);
            all.push(outcome);
          } else if (step === 'abandon' && one?.attempt) {
            if (one.outcomes === 0) one.abandoned = true;
            rig.loop.abandonDial(one.attempt);
          } else if (step === 'close') {
            one?.connection?.abort(undefined);
          } else {
            await rig.turns(1);
          }
        }
        await rig.turns(20);
        for (const { outcomes, abandoned, connection } of all) {
          assert.equal(outcomes, abandoned ? 0 : 1);
          if (connection === null) continue;
          assert.ok(!ids.has(connection.id), 'an id is given once');
          ids.add(connection.id);
        }
        rig.loop.abortConnections(undefined);
        assert.equal(rig.loop.connectionCount, 0);
        assert.deepEqual(rig.deaths, []);
        rig.loop.close();
      }),
      { numRuns: 200 },
    );
  });
});
