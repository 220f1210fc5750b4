import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** First Node with `node:ffi` on by default. */
const nodeMajorMin = 26;

/**
 * The Node to run the project's programs with: this one, or, when it is too old, the one that
 * `npm ci` installed.
 * @throws Error when neither will do.
 */
export function projectNode(): string {
  const major = Number.parseInt(process.versions.node, 10);
  if (major >= nodeMajorMin) return process.execPath;
  const installed = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url));
  if (existsSync(installed)) return installed;
  throw new Error(
    `Node ${process.versions.node} is too old and node_modules has no newer one; run npm ci first`,
  );
}
