/** Programs with several loops, from the first line to the exit code. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import type { RawClient } from '../../testing/raw-client.ts';
import { kernelSpreads, notOn } from '../support/driver.ts';
import { nodeFlags, Program, runProgram } from '../support/program.ts';
import { connect, text } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';
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

  for (const flags of [['waits'], ['late'], []]) {
    test(`a server after the other ${flags}`.trim(), async (t) => {
      const { code, output } = await runProgram(t, program('again'), flags).ending();
      assert.equal(code, 0, output);
      // Nothing else: no thread died, and none left its program in the middle with a warning.
      assert.equal(output, 'done 3\n');
    });
  }

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

  const refusals: readonly [string, readonly RegExp[]][] = [
    [
      'behind',
      [
        /^main ErrUnsupportedOp: cannot run loop \d: its thread \S+ loop \d'\) ended before .*isMainLoop/m,
      ],
    ],
    ['throws', [/^main ErrUnsupportedOp: cannot run loop \d: .*thrown in a thread/m]],
    [
      'metrics',
      [
        /^main ErrUnsupportedOp: cannot run loop \d: its thread \('gnet loop \d'\) ended before it came/m,
        /: listen EADDRINUSE: .*; it runs \S+refused\.ts as the main thread does: .* isMainLoop/m,
        /give serve the URL of a handler module, .*test runner$/m,
      ],
    ],
    [
      'late-metrics',
      [
        /^main ErrUnsupportedOp: cannot run loop \d: its thread .*: listen EADDRINUSE: .*refused\.ts/m,
      ],
    ],
    [
      'other',
      [
        /^main ErrUnsupportedOp: cannot join/m,
        /^thread ErrUnsupportedOp: cannot join: call 1 of serve/m,
      ],
    ],
    ['busy', [/^main EADDRINUSE/m, /^thread EADDRINUSE/m]],
    ['shutdown', [/^main closed/m, /^thread closed/m]],
  ];
  for (const [wrong, expected] of refusals) {
    test(`what a program may get wrong: ${wrong}`, async (t) => {
      const { code, output } = await runProgram(t, program('refused'), [wrong]).ending();
      assert.equal(code, 0, output);
      for (const pattern of expected) assert.match(output, pattern);
    });
  }
});

describe('programs that have no file to run again', () => {
  const script = `
    import { serve } from 'gnet';
    try { await serve({}, 'tcp://127.0.0.1:0', { numEventLoop: 2 }); }
    catch (error) { console.log(error.code + ': ' + error.message); }
  `;
  const run = (args: readonly string[], input?: string): string => {
    const result = spawnSync(process.execPath, [...nodeFlags, ...args], {
      input,
      encoding: 'utf8',
    });
    return result.stdout + result.stderr;
  };
  test('-e', () => {
    const output = run(['--input-type=module', '-e', script]);
    assert.match(output, /^ErrUnsupportedOp: .*given on the command line.*new URL\('\.\/handler/);
  });
  test('-e with arguments', () => {
    const output = run(['--input-type=module', '-e', script, 'package.json']);
    assert.match(output, /^ErrUnsupportedOp: .*given on the command line/);
  });
  test('standard input', () => {
    const output = run(['--input-type=module', '-'], script);
    assert.match(output, /^ErrUnsupportedOp: .*REPL or standard input/);
  });
});

/** Connections until one is in `loop`. */
async function landIn(
  t: Parameters<typeof connect>[0],
  address: string,
  loop: number,
): Promise<RawClient> {
  for (;;) {
    const client = await connect(t, address);
    let line = '';
    while (!line.endsWith('\n')) line += text(await client.readExactly(1));
    if (line.startsWith(`${loop} `)) return client;
    client.destroy();
  }
}

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

test('10 starts and stops with 4 loops: no thread, no descriptor, the process ends by itself', async (t) => {
  const { code, output } = await runProgram(t, program('cycles'), ['10']).ending();
  assert.equal(code, 0, output);
  const [, before, after] = /^before (\S+) after (\S+)$/m.exec(output) ?? [];
  assert.equal(after, before);
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
