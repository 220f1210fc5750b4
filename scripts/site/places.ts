/** Where each file of the repository has its page on the site. */
import { existsSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';

/** Documents that do not stand in docs/, and where the page of each is. */
const documents: Readonly<Record<string, string>> = {
  'README.md': 'readme',
  'ARCHITECTURE.md': 'architecture',
  'CHANGELOG.md': 'changelog',
  'CONTRIBUTING.md': 'contributing',
  'SECURITY.md': 'security-policy',
  'findings/README.md': 'findings',
};

export interface Place {
  readonly kind: 'document' | 'image' | 'source' | 'folder';
  /** Its path on the site, without an extension for pages. */
  readonly path: string;
}

const images = new Set(['.svg', '.png']);

/** The documents that are pages of the site whether something links to them or not. */
export const pagesOutside: readonly string[] = Object.keys(documents);

/** The page of a path of the repository; undefined where there is no such file. */
export function placeOf(root: string, path: string): Place | undefined {
  const name = path.replace(/\/$/, '');
  const known = documents[name];
  if (known !== undefined) return { kind: 'document', path: known };
  if (!existsSync(join(root, name))) return undefined;
  if (statSync(join(root, name)).isDirectory()) return folderPlace(root, name);
  const extension = posix.extname(name);
  if (images.has(extension)) return { kind: 'image', path: `files/${name}` };
  const inDocs = /^docs\/(.+)\.md$/.exec(name)?.[1];
  if (inDocs !== undefined) return { kind: 'document', path: documentPath(inDocs) };
  // A link to x.md.md would be taken for one to x.
  const page = extension === '.md' ? name.slice(0, -extension.length).replaceAll('.', '-') : name;
  return { kind: 'source', path: `source/${page}` };
}

function documentPath(name: string): string {
  if (name === 'README') return 'overview';
  return name.endsWith('/README') ? `${name.slice(0, -'README'.length)}index` : name;
}

function folderPlace(root: string, name: string): Place {
  const readme = `${name}/README.md`;
  if (existsSync(join(root, readme))) return placeOf(root, readme) as Place;
  if (name === 'examples') return { kind: 'document', path: 'examples' };
  return { kind: 'folder', path: `source/${name}/index` };
}
