/** The flags that all examples share, as somebody meets them who does not know them. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { spawnExample } from './spawn-example.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const conditions = ['--conditions=gnet-source', '--disable-warning=ExperimentalWarning'];

function run(example: string, ...args: readonly string[]) {
  const command = [...conditions, join('examples', example), ...args];
  return spawnSync(process.execPath, command, { cwd: root, encoding: 'utf8', timeout: 20_000 });
}

const programs = readdirSync(join(root, 'examples')).filter((name) => name.endsWith('.ts'));

describe('--help tells the flags and does nothing else', () => {
  for (const example of [...programs, 'codec/server.ts', 'codec/client.ts']) {
    test(example, () => {
      const { status, stdout, stderr } = run(example, '--help');
      assert.match(stdout, /^ {2}--port N /m);
      assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
    });
  }
});

describe('a wrong flag is said in two lines, with status 2', () => {
  const wrongs: readonly [readonly string[], RegExp][] = [
    [['--prot', '1'], /^Unknown option '--prot'/],
    [['--port', 'abc'], /^--port abc: write a whole number from 0 to 65535/],
    [['--port'], /^Option '--port <value>' argument missing/],
    [['--tick', 'soon'], /^--tick soon: write a duration/],
    [['--idle', '9999h'], /^--idle 9999h: write a duration .*, at most 24h/],
    [['--reuseport=perhaps'], /^--reuseport perhaps: write true or false/],
    [['extra'], /^Unexpected argument 'extra'/],
  ];
  for (const [args, message] of wrongs) {
    test(args.join(' '), () => {
      const { status, stderr } = run('echo-tcp.ts', ...args);
      assert.equal(status, 2);
      assert.match(stderr, message);
      assert.match(stderr, /\nSee --help\.\n$/);
      assert.doesNotMatch(stderr, /^ +at /m);
    });
  }
});

describe('an address that cannot be had is said in one line, with status 1', () => {
  for (const example of [
    // Not those that listen over UDP or on a path, need somebody who does, or only call out.
    ...programs.filter((name) => !/echo-(udp|unix)|kcp|broker|discovery|ship|udp-chat/.test(name)),
    'codec/server.ts',
  ]) {
    test(example, async (t) => {
      const taken = createServer().listen(0, '127.0.0.1');
      t.after(() => taken.close());
      await once(taken, 'listening');
      const { port } = taken.address() as AddressInfo;
      const { status, stdout, stderr } = run(example, '--host', '127.0.0.1', '--port', `${port}`);
      assert.deepEqual({ status, stdout }, { status: 1, stdout: '' });
      assert.match(stderr, new RegExp(`^\\S+ cannot start: [^\\n]*${port}[^\\n]*\\n$`));
    });
  }

  test('with several loops', async (t) => {
    const taken = createServer().listen(0, '127.0.0.1');
    t.after(() => taken.close());
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    for (const flags of [[], ['--reuseport=true']]) {
      const args = ['--host', '127.0.0.1', '--port', `${port}`, '--loops', '2', ...flags];
      const { status, stdout, stderr } = run('echo-tcp.ts', ...args);
      assert.deepEqual({ status, stdout }, { status: 1, stdout: '' });
      assert.match(stderr, /^echo-tcp cannot start: [^\n]*\n$/);
    }
  });
});

test('--host listens there alone', async () => {
  const example = await spawnExample('examples/echo-tcp.ts', ['--host', '127.0.0.1']);
  assert.match(example.line, /tcp:\/\/127\.0\.0\.1:/);
  assert.equal(await example.stop(), 0);
});
