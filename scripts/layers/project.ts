/** The files of the repository that the house rules look at, read once. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative, sep } from 'node:path';
import { type ImportReference, importsOf, type SourceText, scanSource } from './source-text.ts';

export interface Finding {
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

export interface TypeScriptFile {
  /** From the root of the repository, with slashes. */
  readonly path: string;
  readonly source: SourceText;
  readonly imports: readonly ImportReference[];
}

export interface Project {
  readonly typeScript: ReadonlyMap<string, TypeScriptFile>;
  /** Every text file, TypeScript too. */
  readonly texts: ReadonlyMap<string, string>;
  readonly entries: readonly string[];
  readonly dependencies: ReadonlySet<string>;
  readonly developmentDependencies: ReadonlySet<string>;
  readonly name: string;
}

const foldersSkipped = ['node_modules', 'dist', 'coverage', '.git', 'build'];
const textNames =
  /(?:\.(?:ts|js|mjs|json|md|sh|c|yml|yaml|html|css)|^(?:LICENSE|run|\.gitignore))$/;

function walk(root: string, folder: string, found: string[]): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (!foldersSkipped.includes(entry.name)) walk(root, path, found);
    } else if (entry.isFile() && textNames.test(entry.name)) {
      found.push(relative(root, path).replaceAll(sep, '/'));
    }
  }
}

interface Manifest {
  readonly name?: string;
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

export function readProject(root: string): Project {
  const paths: string[] = [];
  walk(root, root, paths);
  const texts = new Map<string, string>();
  const typeScript = new Map<string, TypeScriptFile>();
  for (const path of paths.sort()) {
    const text = readFileSync(join(root, path), 'utf8');
    texts.set(path, text);
    if (!path.endsWith('.ts')) continue;
    const source = scanSource(text);
    typeScript.set(path, { path, source, imports: importsOf(source) });
  }
  const manifest = JSON.parse(texts.get('package.json') ?? '{}') as Manifest;
  const targets = Object.values(manifest.exports ?? {}).flatMap((target) =>
    typeof target === 'string' ? [target] : Object.values(target),
  );
  return {
    typeScript,
    texts,
    entries: targets
      .map((target) => posix.normalize(target))
      .filter((path) => typeScript.has(path)),
    // A peer that is optional is asked for by name, and its types are there when it is.
    dependencies: new Set(Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })),
    developmentDependencies: new Set(Object.keys(manifest.devDependencies ?? {})),
    name: manifest.name ?? '',
  };
}

/** The file of the repository that a relative specifier names, or undefined. */
export function resolveImport(from: string, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined;
  return posix.normalize(posix.join(dirname(from), specifier));
}

export const isTest = (path: string): boolean => path.endsWith('.test.ts');
