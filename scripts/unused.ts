/**
 * What nobody uses: exports that no other file imports, members that nobody names, optional parameters that
 * nobody gives, options that nobody reads, errors that nothing makes. The compiler says what a name
 * means; a member counts as used when any member of that name is, so that an interface covers its classes.
 * Prints `file:line: error: ...` and fails if there is any.
 *
 *     npm run unused
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findUnused } from './unused/findings.ts';
import { readNames } from './unused/names.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The files that the package exports, and those that only it and the runtime start. */
function entriesOf(manifest: { readonly exports: Readonly<Record<string, unknown>> }): string[] {
  return Object.values(manifest.exports)
    .map((conditions) => (conditions as { readonly 'gnet-source'?: string })['gnet-source'])
    .filter((path) => path !== undefined);
}

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const findings = findUnused(readNames(root, entriesOf(manifest)));
for (const { file, line, message } of findings) console.error(`${file}:${line}: error: ${message}`);
if (findings.length > 0) process.exitCode = 1;
else console.log('unused: nothing');
