import { existsSync, globSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { importsOf, scanSource } from './layers/source-text.ts';

/**
 * Removes the declarations that no entry leads to. The compiler writes those of every file, and nearly two
 * thirds are of files that no program can import from the package.
 */
export function removeUnreachable(folder: string, entries: readonly string[]): void {
  const reached = new Set<string>();
  const waiting = [...entries];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (reached.has(path)) continue;
    reached.add(path);
    waiting.push(...importedBy(path));
  }
  for (const name of globSync('**/*.d.ts', { cwd: folder })) {
    const path = join(folder, name);
    if (!reached.has(path)) rmSync(path);
  }
}

/** @throws if a declaration is missing. */
function importedBy(path: string): string[] {
  const own = importsOf(scanSource(readFileSync(path, 'utf8'))).map(({ specifier }) => specifier);
  const paths = own
    .filter((specifier) => specifier.startsWith('.'))
    .map((specifier) => join(dirname(path), specifier.replace(/\.ts$/, '.d.ts')));
  const missing = paths.find((one) => !existsSync(one));
  if (missing !== undefined) throw new Error(`${path} imports ${missing}, which is not there`);
  return paths;
}
