import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

/**
 * The URL of the file that the calling code is in: of a file of this package, or of the bundle that it
 * was put into. A bundle in CommonJS has no `import.meta.url`, but knows its file by another name.
 */
export function ownFile(metaUrl: string | undefined): string {
  if (metaUrl !== undefined) return metaUrl;
  if (typeof __filename === 'string') return pathToFileURL(__filename).href;
  return pathToFileURL(process.argv[1] ?? 'bundle.js').href;
}

/**
 * Loads a package that is installed beside the program, also when this code is in a bundle:
 * bundlers do not see the name; they would leave out the files from which such a package starts
 * threads.
 * @throws what `require` throws.
 */
export function requireInstalled(name: string): unknown {
  return createRequire(ownFile(import.meta.url))(name);
}
