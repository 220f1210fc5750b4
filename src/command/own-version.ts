import { createRequire } from 'node:module';

/** Of the package that this command belongs to. */
export function ownVersion(): string {
  const own = createRequire(import.meta.url)('gnet/package.json') as { readonly version: string };
  return own.version;
}
