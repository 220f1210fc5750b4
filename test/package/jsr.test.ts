/** The manifest for JSR: it says what package.json does, and Deno would publish it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { installedRuntime } from '../../scripts/other-runtime.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface Manifest {
  readonly version: string;
  readonly license: string;
  readonly exports: Readonly<Record<string, string | { readonly 'gnet-source': string }>>;
  readonly imports: Readonly<Record<string, string>>;
}

function read(name: string): Manifest {
  return JSON.parse(readFileSync(join(root, name), 'utf8')) as Manifest;
}

test('jsr.json has the version and the entries of package.json, but the page of gnet/inspect', () => {
  const own = read('package.json');
  const jsr = read('jsr.json');
  assert.deepEqual([jsr.version, jsr.license], [own.version, own.license]);
  const sources = Object.entries(own.exports).flatMap(([path, entry]) =>
    // Its page is made by the build.
    typeof entry === 'string' || path === './inspect'
      ? []
      : [[path, entry['gnet-source']] as const],
  );
  assert.deepEqual(Object.entries(jsr.exports), sources);
  const byName = sources.map(([path, source]) => [`gnet${path.slice(1)}`, source]);
  assert.deepEqual(Object.entries(jsr.imports), byName);
});

const deno = installedRuntime('deno');

test('deno publish finds nothing: no slow types, no module that is left out', {
  skip: deno === undefined && 'Deno is not installed',
}, (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'gnet-jsr-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const names = ['src', 'jsr.json', 'package.json', 'README.md', 'CHANGELOG.md', 'LICENSE'];
  for (const name of names) cpSync(join(root, name), join(folder, name), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  // Its own types of the runtime differ from those of Node, with which `npm run types` checks.
  const flags = ['publish', '--dry-run', '--allow-dirty', '--no-check', '--quiet'];
  const { status, stdout, stderr } = spawnSync(deno as string, flags, {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  });
  assert.equal(status, 0, `${stdout}${stderr}`);
  assert.doesNotMatch(`${stdout}${stderr}`, /slow type|excluded-module/);
});
