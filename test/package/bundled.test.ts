/** Programs that a bundler made one file of, in both formats: several loops, the pool, the log. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const programs = fileURLToPath(new URL('programs/', import.meta.url));
const bundler = join(root, 'node_modules', '.bin', 'esbuild');
const skip = !existsSync(bundler) && 'esbuild is not installed: npm ci';
const formats = { esm: '.mjs', cjs: '.cjs' } as const;

let folder = '';
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'gnet-bundled-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

function bundle(format: 'esm' | 'cjs', name: string, withThread: boolean): string {
  const outdir = join(folder, name);
  mkdirSync(outdir);
  const entries = [
    `main=${join(programs, 'bundled.ts')}`,
    `handler=${join(programs, 'bundled-handler.ts')}`,
    `work=${join(programs, 'bundled-work.ts')}`,
    ...(withThread ? ['thread-side=gnet/thread'] : []),
  ];
  const flags = ['--bundle', '--platform=node', `--format=${format}`, '--conditions=gnet-source'];
  const out = [`--outdir=${outdir}`, `--out-extension:.js=${formats[format]}`, '--log-level=error'];
  const made = spawnSync(bundler, [...entries, ...flags, ...out], { cwd: root, encoding: 'utf8' });
  assert.equal(made.status, 0, made.stderr);
  return join(outdir, `main${formats[format]}`);
}

function run(main: string): { answers: string[]; stderr: string } {
  const { NODE_OPTIONS: _options, NODE_TEST_CONTEXT: _context, ...env } = process.env;
  const result = spawnSync(process.execPath, ['--no-warnings', main], {
    encoding: 'utf8',
    timeout: 60_000,
    env,
  });
  assert.notEqual(result.stdout, '', result.stderr);
  return { answers: JSON.parse(result.stdout) as string[], stderr: result.stderr };
}

/** The packages that a bundle does not contain, as installed beside it. */
function install(main: string): void {
  const modules = join(dirname(main), 'node_modules');
  mkdirSync(modules);
  for (const name of ['pino', 'piscina']) {
    symlinkSync(join(root, 'node_modules', name), join(modules, name));
  }
}

/** The line of the log about what the handler threw. */
function loggedError(stderr: string): { type: string; message: string; stack: string } {
  const lines = stderr.split('\n').filter((line) => line.includes('thrown by the handler'));
  assert.equal(lines.length, 1, stderr);
  return (JSON.parse(lines[0] as string) as { err: never }).err;
}

for (const format of ['esm', 'cjs'] as const) {
  describe(`a bundle in the format ${format}`, { skip }, () => {
    test('several loops in both modes, the pool, and errors in the log with their stacks', () => {
      const main = bundle(format, format, true);
      install(main);
      const { answers, stderr } = run(main);
      assert.deepEqual(answers, ['program', 'closed', 'module', '42'], stderr);
      assert.match(loggedError(stderr).stack, /RangeError: thrown by the handler\n\s+at /);
    });

    test('what is missing beside it is said, and the log has its stacks all the same', () => {
      const main = bundle(format, `${format}-alone`, false);
      const { answers, stderr } = run(main);
      const [program, thrown, module, pool] = answers as [string, string, string, string];
      assert.deepEqual([program, thrown], ['program', 'closed']);
      assert.match(module, /no thread-side\.js beside .*bundle 'gnet\/thread'/);
      assert.match(pool, /piscina is not installed beside the program/);
      assert.match(loggedError(stderr).stack, /RangeError: thrown by the handler\n\s+at /);
    });
  });
}

test('the entry of threads is not looked for beside what is no file', async () => {
  const { moduleEntry } = await import('../../src/worker/module-entry.ts');
  assert.throws(() => moduleEntry('data:text/javascript,0'), { code: 'ErrUnsupportedOp' });
  writeFileSync(join(folder, 'thread-side.js'), '');
  const bundled = new URL(`file://${folder}/bundle.mjs`).href;
  assert.equal(fileURLToPath(moduleEntry(bundled)), join(folder, 'thread-side.js'));
});
