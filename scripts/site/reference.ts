/** The reference of the API: pages for each entry of the package, out of the doc comments of its sources. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { projectNode } from '../project-node.ts';
import type { Page } from './content.ts';

interface Manifest {
  readonly exports: Readonly<Record<string, { readonly 'gnet-source'?: string } | string>>;
}

interface Entry {
  /** `gnet/topics/redis` */
  readonly name: string;
  readonly source: string;
  /** As TypeDoc calls it: the source without what all sources have in common. */
  readonly module: string;
}

function entries(root: string): readonly Entry[] {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;
  return Object.entries(exports).flatMap(([path, entry]) => {
    const source = typeof entry === 'string' ? undefined : entry['gnet-source'];
    // What threads run has no names.
    if (source === undefined || path === './thread') return [];
    const module = posix
      .normalize(source)
      .replace(/^src\//, '')
      .replace(/\.ts$/, '')
      .replace(/\/index$/, '');
    return [{ name: `gnet${path.slice(1)}`, source, module }];
  });
}

/** Makes the pages in `content`, with TypeDoc. @throws Error when that fails; it has said why. */
export function writeReference(root: string, site: string, content: string): readonly Page[] {
  const all = entries(root);
  const program = join(site, 'node_modules/typedoc/bin/typedoc');
  const points = all.flatMap(({ source }) => ['--entryPoints', join(root, source)]);
  const out = join(content, 'reference');
  const args = [program, '--options', join(site, 'typedoc.json'), '--out', out, ...points];
  const { status } = spawnSync(projectNode(), args, { cwd: site, stdio: 'inherit' });
  if (status !== 0) throw new Error('typedoc failed');
  const list = all.map(({ name, module }) => `- [${name}](./${module}/overview.md)`);
  writeFileSync(join(out, 'overview.md'), `# API\n\n${list.join('\n')}\n`);
  return all.map(({ name, module }) => {
    const file = join(out, module, 'overview.md');
    writeFileSync(file, readFileSync(file, 'utf8').replace(/^# .*$/m, `# ${name}`));
    const about = `every name that ${name} exports`;
    return { path: `reference/${module}/overview`, title: name, about };
  });
}
