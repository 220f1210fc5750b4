import { existsSync } from 'node:fs';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ErrUnsupportedOp } from '../base/errors.ts';
import { ownFile } from '../base/own-file.ts';

/**
 * The file that threads over a handler module run: it stands beside this one, in the repository, in the
 * package, and, if the program's bundle was made so, beside the bundle.
 * @throws ErrUnsupportedOp when it is not there.
 */
export function moduleEntry(metaUrl: string | undefined = import.meta.url): URL {
  const own = ownFile(metaUrl);
  const isFile = own.startsWith('file:');
  for (const extension of isFile ? new Set([extname(own), '.js', '.mjs', '.cjs']) : []) {
    const entry = new URL(`./thread-side${extension}`, own);
    if (existsSync(entry)) return entry;
  }
  throw new ErrUnsupportedOp(
    `cannot start threads for a handler module: there is no thread-side.js beside ${isFile ? fileURLToPath(own) : own}, the ` +
      "bundle that this package was put into; bundle 'gnet/thread' as an entry named thread-side into " +
      'the same folder, or leave gnet out of the bundle',
  );
}
