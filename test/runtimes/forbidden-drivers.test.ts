/**
 * Where the host forbids system calls (seccomp, as containers do), the next driver is taken, which the
 * program is told once; a driver that was asked for is a typed error.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { nodeFlags } from '../support/program.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** io_uring_setup; the same number everywhere. */
const ioUring = 425;
/** epoll_wait of x64: our driver calls it, the runtime itself calls epoll_pwait. */
const epoll = 232;

const errors = { EPERM: 1, ENOMEM: 12, ENOSYS: 38 } as const;

interface Outcome {
  readonly asked: string;
  readonly driver?: string;
  readonly answer?: string;
  readonly refused?: readonly { readonly name: string; readonly reason: string }[];
  readonly code?: string;
  readonly message?: string;
}

const compiler = spawnSync('gcc', ['--version']).status === 0;
const skip = (process.platform !== 'linux' && 'seccomp is of Linux') || (!compiler && 'needs gcc');

describe('where system calls are forbidden', { skip }, () => {
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'gnet-forbid-'));
    const source = join(root, 'test', 'runtimes', 'forbid.c');
    const made = spawnSync('gcc', ['-Wall', '-Werror', '-o', join(folder, 'forbid'), source], {
      encoding: 'utf8',
    });
    assert.equal(made.status, 0, made.stderr);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  /** What the program printed for each driver it asked for, and the lines of its log. */
  function run(
    errno: keyof typeof errors,
    calls: readonly number[],
    asked: readonly string[],
    variable = 'auto',
  ): { outcomes: Outcome[]; log: { level: string; msg: string; driver: string }[] } {
    const { NODE_OPTIONS: _options, NODE_TEST_CONTEXT: _context, ...environment } = process.env;
    const parameters = [String(errors[errno]), calls.join(), process.execPath, ...nodeFlags];
    const result = spawnSync(
      join(folder, 'forbid'),
      [...parameters, 'test/runtimes/programs/second-best.ts', ...asked],
      {
        cwd: root,
        encoding: 'utf8',
        timeout: 60_000,
        env: { ...environment, GNET_DRIVER: variable },
      },
    );
    assert.equal(result.status, 0, result.stdout + result.stderr);
    const lines = (output: string) => output.trim().split('\n').filter(Boolean);
    return {
      outcomes: lines(result.stdout).map((line) => JSON.parse(line)),
      log: lines(result.stderr).map((line) => JSON.parse(line)),
    };
  }

  const names = (outcome: Outcome | undefined) => outcome?.refused?.map(({ name }) => name);
  const served = (driver: string, count: number) =>
    Array.from({ length: count }, () => ({ driver, answer: 'through the server' }));
  const essence = (outcomes: readonly Outcome[]) =>
    outcomes.map(({ driver, answer }) => ({ driver, answer }));

  for (const errno of ['EPERM', 'ENOSYS', 'ENOMEM'] as const) {
    test(`io_uring, with ${errno}: asked for it is a typed error, and others work`, () => {
      const { outcomes } = run(errno, [ioUring], ['io_uring', 'epoll', 'auto', 'io_uring']);
      const [first, , , again] = outcomes;
      assert.equal(first?.code, 'ErrUnsupportedPlatform');
      assert.match(first?.message ?? '', new RegExp(`'io_uring'.*io_uring_setup.*${errno}`));
      assert.equal(again?.message, first?.message);
      assert.deepEqual(essence(outcomes.slice(1, 3)), served('epoll', 2));
    });
  }

  test('io_uring: GNET_DRIVER=io_uring is a typed error, too', () => {
    const { outcomes } = run('EPERM', [ioUring], ['auto', 'epoll'], 'io_uring');
    assert.equal(outcomes[0]?.code, 'ErrUnsupportedPlatform');
    assert.match(outcomes[0]?.message ?? '', /'io_uring'.*EPERM/);
    assert.deepEqual(essence(outcomes.slice(1)), served('epoll', 1));
  });

  const notX64 = process.arch !== 'x64' && 'elsewhere the runtime waits with the same system call';
  describe('epoll', { skip: notX64 }, () => {
    test('the next is io_uring, which is said once', () => {
      const { outcomes, log } = run('EPERM', [epoll], ['auto', 'auto', 'auto']);
      assert.deepEqual(essence(outcomes), served('io_uring', 3));
      for (const outcome of outcomes) assert.deepEqual(names(outcome), ['epoll']);
      assert.equal(log.length, 1);
      assert.match(log[0]?.msg ?? '', /second-best/);
      assert.deepEqual([log[0]?.level, log[0]?.driver], ['info', 'io_uring']);
    });

    test('and io_uring: what is left is node, which is a warning, once', () => {
      const { outcomes, log } = run('EPERM', [epoll, ioUring], ['auto', 'auto', 'io_uring']);
      assert.deepEqual(essence(outcomes.slice(0, 2)), served('node', 2));
      const [first, , named] = outcomes;
      assert.deepEqual(names(first), ['epoll', 'io_uring']);
      for (const { reason } of first?.refused ?? []) assert.match(reason, /EPERM|errno 1\b/);
      assert.equal(named?.code, 'ErrUnsupportedPlatform');
      assert.equal(log.length, 1);
      assert.deepEqual([log[0]?.level, log[0]?.driver], ['warn', 'node']);
    });
  });
});
