/** Programs whose loops die in the middle of their work. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RawClient } from 'gnet/testing';
import { notOn } from '../support/driver.ts';
import { runProgram } from '../support/program.ts';
import { text } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';
import { landIn } from './landing.ts';

const program = (name: string): string => `test/worker/programs/${name}.ts`;

describe('a loop that dies under load', () => {
  const deaths: readonly [string, RegExp, readonly string[]][] = [
    ['die', /killed by a client/, []],
    ['exhaust', /memory limit|out of memory/i, ['--max-old-space-size=96']],
  ];
  for (const [how, reported, flags] of deaths) {
    test(`${how}: the others serve on, and a new one takes over`, async (t) => {
      const running = runProgram(t, program('deaths'), [], {
        env: { ...process.env, NODE_OPTIONS: flags.join(' ') },
      });
      const [address = ''] = await running.line(/^listening (\S+)$/m);
      // One after another: in lock step with the balancer some would never come to theirs.
      const zero = await landIn(t, address, 0);
      const one = await landIn(t, address, 2);
      const doomed = await landIn(t, address, 1);
      const other = await landIn(t, address, 1);
      let answered = 0;
      let over = false;
      const ping = async (client: RawClient): Promise<void> => {
        while (!over) {
          client.write('ping');
          assert.equal(text(await client.readExactly(4)), 'ping');
          answered++;
        }
      };
      const pings = [ping(zero), ping(one)];
      doomed.write(how);
      const gone = (client: RawClient): boolean => client.ended || client.closed;
      await waitUntil(() => gone(doomed) && gone(other), 'the connections of the dead loop end');
      const before = answered;
      const next = await landIn(t, address, 1);
      next.write('again');
      assert.equal(text(await next.readExactly(5)), 'again');
      over = true;
      await Promise.all(pings);
      assert.ok(answered > before, 'clients of other loops see nothing of it');
      for (const client of [zero, one, next]) client.destroy();
      running.kill('SIGTERM');
      const { code, output } = await running.ending();
      assert.equal(code, 0, output);
      assert.match(output, /the thread of an event loop died; its connections are lost/);
      assert.match(output, reported);
      const [, had, has] = /^descriptors (.+) and (.+)$/m.exec(output) ?? [];
      assert.equal(has, had, 'those of the dead loop are closed');
    });
  }
});

test(
  "a connection that a loop refused is nobody's when the loop dies",
  notOn('node', 'there are no descriptors'),
  async (t) => {
    const { code, output } = await runProgram(t, program('refused-connections')).ending();
    assert.equal(code, 0, output);
    assert.match(output, /^closed by somebody else: 0 of 12$/m);
  },
);

test('a thread that dies in the middle of a write to the main thread gives its lane back', async (t) => {
  const { code, output } = await runProgram(t, program('death-in-a-write')).ending();
  assert.equal(code, 0, output);
  assert.match(output, /^lanes in use before: 1$/m);
  assert.match(output, /^lanes in use after: 0$/m);
});
