/** The flags that all examples share, as somebody meets them who does not know them. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

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
