/**
 * Older versions of Node, to run the tests under as well: the packages `node` of npm.
 *
 *     node scripts/other-node.ts 22 24     installs what is missing and prints where it is
 */
import { pathToFileURL } from 'node:url';
import { type CachedProgram, cachedProgram, installedProgram } from './cached-program.ts';

/** The versions that the node driver is meant for. */
export const olderMajors: readonly number[] = [22, 24];

const nodeOf = (major: number): CachedProgram => ({
  folder: String(major),
  spec: `node@${major}`,
  path: 'node/bin/node',
  version: new RegExp(`^v${major}\\.`),
});

/** The program of that version if it is installed already. */
export function installedNode(major: number): string | undefined {
  return installedProgram(nodeOf(major));
}

/** The program of that version, installed if need be; undefined when that cannot be done here. */
export function otherNode(major: number): string | undefined {
  return cachedProgram(nodeOf(major));
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const major of process.argv.slice(2).map(Number)) {
    console.log(`node ${major}: ${otherNode(major) ?? 'cannot be installed here'}`);
  }
}
