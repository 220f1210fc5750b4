/**
 * Builds src/ to dist/: an entry for each one in package.json, with the code that entries share, or that
 * is loaded when first used, in chunks beside them; source maps; and declarations. A program then starts
 * from a few files, not from two hundred. Only the packed package needs it; the repository runs unbuilt.
 *
 *     npm run build
 *     npm run build -- some/folder   elsewhere than to dist/
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type OutputChunk, type Plugin } from 'rolldown';
import { builtinModules } from './build-builtins.ts';
import { chunkGroups } from './build-chunks.ts';
import { removeUnreachable } from './build-declarations.ts';
import { builtPageFiles } from './build-page.ts';
import { projectNode } from './project-node.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = resolve(root, process.argv[2] ?? 'dist');

interface Export {
  readonly 'gnet-source': string;
  readonly types: string;
  readonly default: string;
}

/** Threads import them by their own URL, so that they must be files with these names. */
const ownFiles = ['src/http/loop-module.ts'];
/** What `npx gnet` runs. */
const command = 'src/command/gnet.ts';

function exportsOfPackage(): Export[] {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    readonly exports: Readonly<Record<string, Export | string>>;
  };
  return Object.values(manifest.exports).filter((one) => typeof one !== 'string');
}

/** Their sources, by the names that they have in dist/. */
function entryPoints(): Record<string, string> {
  const entries = exportsOfPackage();
  const named = [
    ...entries.map((one) => [basename(one.default, '.js'), one['gnet-source']] as const),
    ...[...ownFiles, command].map((path) => [basename(path, '.ts'), path] as const),
  ];
  const misplaced = entries.filter((one) => dirname(one.default) !== './dist');
  assert.deepEqual(misplaced, [], 'package.json: every entry is a file of dist/ itself');
  const points = Object.fromEntries(named);
  assert.equal(Object.keys(points).length, named.length, 'every entry has a name of its own');
  return points;
}

function declare(): boolean {
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const place = join(dist, 'types');
  const flags = [compiler, '--project', 'tsconfig.build.json', '--outDir', place];
  const { status } = spawnSync(projectNode(), flags, { cwd: root, stdio: 'inherit' });
  if (status !== 0) return false;
  const entries = exportsOfPackage().map(({ types }) => join(dist, relative('dist', types)));
  removeUnreachable(place, entries);
  return true;
}

/** The page of gnet/inspect as one script, one style and one document, in a module. */
const pageModule: Plugin = {
  name: 'page of gnet/inspect',
  load: {
    filter: { id: /src\/inspect\/page-files\.ts$/ },
    handler: async () => ({ code: await builtPageFiles(root), moduleType: 'js' }),
  },
};

async function bundle(): Promise<readonly OutputChunk[]> {
  const { output } = await build({
    cwd: root,
    input: entryPoints(),
    platform: 'node',
    external: (id) => !/^[./\0]|^node:/.test(id),
    transform: { target: 'node22' },
    plugins: [builtinModules, pageModule],
    preserveEntrySignatures: 'allow-extension',
    checks: { ineffectiveDynamicImport: false },
    output: {
      dir: dist,
      format: 'esm',
      // One folder: code finds `thread-side.js` beside itself, whichever chunk it is in.
      entryFileNames: '[name].js',
      chunkFileNames: '[name]-[hash].js',
      codeSplitting: {
        includeDependenciesRecursively: false,
        groups: chunkGroups(join(root, 'src')),
      },
      comments: { jsdoc: false },
      sourcemap: true,
      // They would double the package; a stack names the file and the line without them.
      sourcemapExcludeSources: true,
    },
  });
  return output.filter((one) => one.type === 'chunk');
}

/** What is in a chunk has that chunk's URL, where it means to have its own. */
function lostFiles(chunks: readonly OutputChunk[]): string[] {
  return ownFiles.filter((path) => {
    const place = chunks.find(({ moduleIds }) => moduleIds.includes(join(root, path)));
    return place === undefined || basename(place.fileName, '.js') !== basename(path, '.ts');
  });
}

rmSync(dist, { recursive: true, force: true });
const lost = lostFiles(await bundle());
for (const path of lost) console.error(`${path}:1: error: is in a chunk, not in a file of its own`);
if (!declare() || lost.length > 0) process.exitCode = 1;
else console.log(`build: ${relative(root, dist)} is ready`);
