/** Programs that cannot have several loops, and what they are told. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { SyscallError, serve } from 'gnet';
import { nodeFlags, runProgram } from '../support/program.ts';

describe("threads that run the program's own file", () => {
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
      const { code, output } = await runProgram(t, 'test/worker/programs/refused.ts', [
        wrong,
      ]).ending();
      assert.equal(code, 0, output);
      for (const pattern of expected) assert.match(output, pattern);
    });
  }
});

test('what a loop of another thread could not do is the error that it is with one loop', async () => {
  const module = new URL('./handlers/echo.ts', import.meta.url);
  for (const numEventLoop of [1, 2]) {
    const options = { numEventLoop, reusePort: true };
    await assert.rejects(serve(module, 'tcp://192.0.2.77:0', options), (error) => {
      assert.ok(error instanceof SyscallError);
      return error.code === 'EADDRNOTAVAIL' && error.name === 'SyscallError';
    });
  }
});

test('a handler module that fails in the first loop, while the others wait for its port', async (t) => {
  const start = (name: string) => {
    const module = new URL(`./handlers/${name}.ts`, import.meta.url);
    return serve(module, 'tcp://127.0.0.1:0', { numEventLoop: 3 });
  };
  // Its threads are there for the second one, all at once.
  const first = await start('echo');
  t.after(() => first.stop());
  await assert.rejects(start('fails-in-one'), /there is no handler for loop 0/);
  const again = await start('echo');
  await again.stop();
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
