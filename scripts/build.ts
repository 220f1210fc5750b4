/**
 * Builds src/ to dist/: JavaScript with declarations, without tests. Only the packed package needs
 * it; the repository runs unbuilt.
 *
 *     npm run build
 *     npm run build -- some/folder   elsewhere than to dist/
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { projectNode } from './project-node.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = resolve(root, process.argv[2] ?? 'dist');

function compile(): boolean {
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const result = spawnSync(
    projectNode(),
    [compiler, '--project', 'tsconfig.build.json', '--outDir', dist],
    {
      cwd: root,
      stdio: 'inherit',
    },
  );
  return result.status === 0;
}

/**
 * `rewriteRelativeImportExtensions` turns './a.ts' into './a.js' in imports, but not in
 * `new URL('./a.ts', import.meta.url)`, which threads are started from: such a file must work out its
 * own extension, and this finds one that does not.
 */
function forgottenExtensions(): string[] {
  return readdirSync(dist, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.js'))
    .filter((path) => {
      const text = readFileSync(join(dist, path), 'utf8');
      return /new URL\(\s*['"][^'"]+\.ts['"]/.test(text);
    })
    .map((path) => relative(root, join(dist, path)));
}

rmSync(dist, { recursive: true, force: true });
const compiled = compile();
const forgotten = compiled ? forgottenExtensions() : [];
for (const path of forgotten) {
  console.error(`${path}:1: error: refers to a .ts file by URL, which dist/ does not have`);
}
if (!compiled || forgotten.length > 0) process.exitCode = 1;
else console.log(`build: ${relative(root, dist)} is ready`);
