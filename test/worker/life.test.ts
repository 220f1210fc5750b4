/** Programs with several loops, from the first line to the exit code. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { kernelSpreads, noDescriptors, notOn } from '../support/driver.ts';
import { nodeFlags, Program, runProgram } from '../support/program.ts';
import { connect, text } from '../support/rig.ts';
import { DatagramClient } from '../support/datagram-client.ts';

const program = (name: string): string => `test/worker/programs/${name}.ts`;

describe("threads that run the program's own file", () => {
  test(
    'several servers, arguments, work after serve, and an end in order',
    notOn('node', kernelSpreads),
    async (t) => {
      const running = runProgram(t, program('two-servers'), ['--some', 'thing']);
      const [addresses = ''] = await running.line(/^listening (.+) --some,thing$/m);
      const [first = '', alone = '', second = ''] = addresses.split(' ');
      const seen: string[] = [];
      for (let count = 0; count < 4; count++) {
        const client = await connect(t, first);
        seen.push(text(await client.readExactly(2)));
        client.write('echo');
        assert.equal(text(await client.readExactly(4)), 'echo');
        client.end();
      }
      // The state of a handler is per loop: the fourth connection is the second of loop 0.
      assert.deepEqual(seen, ['1 ', '1 ', '1 ', '2 ']);
      for (const [address, answer] of [
        [alone, 'alone'],
        [second, 'second'],
      ] as const) {
        const client = await connect(t, address);
        client.write('x');
        assert.equal(text(await client.readExactly(answer.length)), answer);
        client.end();
      }
      running.kill('SIGTERM');
      const { code, output } = await running.ending();
      assert.equal(code, 0, output);
      assert.match(output, /^stopped \[\{"forced":0\},\{"forced":0\},\{"forced":0\}\]$/m);
      assert.match(output, /^first closed, main$/m);
      const views = output.match(new RegExp(`^thread sees 3,1,2 ${first} --some,thing$`, 'gm'));
      assert.equal(views?.length, 3, output);
    },
  );

  test('datagrams: every loop has a socket on the same port', async (t) => {
    const running = runProgram(t, 'examples/echo-udp.ts', ['--port', '0', '--loops', '3']);
    const [port] = await running.line(/listening on udp:\/\/\S+:(\d+) \(.*loops: 3\)$/m);
    for (let count = 0; count < 8; count++) {
      const client = await DatagramClient.open(t);
      await client.send(`127.0.0.1:${port}`, 'hello');
      assert.equal(text(await client.next()), 'hello');
    }
    running.kill('SIGTERM');
    assert.equal((await running.ending()).code, 0);
  });
});

test('10 starts and stops with 4 loops: no thread, no descriptor, the process ends by itself', async (t) => {
  const { code, output } = await runProgram(t, program('cycles'), ['10']).ending();
  assert.equal(code, 0, output);
  const [, before, after] = /^before (\S+) after (\S+)$/m.exec(output) ?? [];
  assert.equal(after, before);
});

test(
  'duplicates of listeners are closed without a warning, in whatever thread',
  notOn('node', noDescriptors),
  async (t) => {
    const { code, output } = await runProgram(t, program('duplicates')).ending();
    assert.equal(code, 0, output);
    assert.equal(output, 'duplicated\nduplicated\n');
  },
);

test(
  'listeners of the main thread that rest are counted, and go on',
  notOn('node', 'out of descriptors, the runtime turns callers away by itself'),
  async (t) => {
    const flags = [...nodeFlags, program('out-of-descriptors')];
    const args = ['-c', 'ulimit -n 256; exec "$@"', 'sh', process.execPath, ...flags];
    const running = new Program(t, 'sh', args, {});
    const [address = ''] = await running.line(/^listening (\S+)$/m);
    const client = await connect(t, address);
    await running.line(/^rested: true, the others 0$/m);
    assert.match(text(await client.readExactly(2)), /^[01] $/);
    client.destroy();
    running.kill('SIGTERM');
    const { code, output } = await running.ending();
    assert.equal(code, 0, output);
  },
);
