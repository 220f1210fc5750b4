/**
 * Builds the documentation as a site, into site/dist/: plain files for any web server.
 *
 *     npm run site
 *     SITE_BASE=/gnet/ npm run site     for a site that does not stand at the root of its host
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { projectNode } from './project-node.ts';
import { Content, type Page } from './site/content.ts';
import { writeReference } from './site/reference.ts';
import { type Section, sections as written } from './site/sections.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const site = join(root, 'site');
const content = join(site, 'content');
const program = join(site, 'node_modules/vitepress/bin/vitepress.js');

/** @throws Error when it fails; it has said why by then. */
function run(command: string, args: readonly string[]): void {
  const shell = process.platform === 'win32';
  const { status } = spawnSync(command, args, { cwd: site, stdio: 'inherit', shell });
  if (status !== 0) throw new Error(`${command} ${args[0]} failed`);
}

const titleOf = (pages: readonly Page[], path: string): string => {
  const page = pages.find((one) => one.path === path);
  if (page === undefined) throw new Error(`scripts/site/sections.ts names '${path}': no such page`);
  return page.title.replaceAll('`', '');
};

/** What language models and other programs read: https://llmstxt.org. */
function pageList(sections: readonly Section[], pages: readonly Page[]): string {
  const parts = sections.map(({ title, pages: paths }) => {
    const lines = paths.map((path) => {
      const about = pages.find((page) => page.path === path)?.about ?? '';
      return `- [${titleOf(pages, path)}](${path}.html): ${about}`;
    });
    return `## ${title}\n\n${lines.join('\n')}\n`;
  });
  const summary =
    '> Event-driven networking for TypeScript on Node, Bun and Deno: TCP, UDP, Unix sockets.';
  return `# gnet for TypeScript\n\n${summary}\n\n${parts.join('\n')}`;
}

if (!existsSync(program)) run('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts']);
const documents = new Content(root, content).write();
const reference = writeReference(root, site, content);
const pages = [...documents, ...reference];
const sections: readonly Section[] = [
  ...written,
  { title: 'API', pages: reference.map(({ path }) => path) },
];
writeFileSync(join(content, 'index.md'), home());
const sidebar = sections.map(({ title, pages: paths }) => ({
  text: title,
  collapsed: title === 'Behind it' || title === 'API',
  items: paths.map((path) => ({
    text: titleOf(pages, path),
    link: `/${path.replace(/index$/, '')}`,
  })),
}));
writeFileSync(join(site, '.vitepress', 'sidebar.json'), `${JSON.stringify(sidebar, null, 2)}\n`);
mkdirSync(join(content, 'public'), { recursive: true });
writeFileSync(join(content, 'public', 'llms.txt'), pageList(sections, pages));
// With room for what hundreds of pages leave behind, a third of the collector's work goes away.
run(projectNode(), ['--max-semi-space-size=64', program, 'build', '.']);
console.log(`site: ${pages.length} pages in site/dist/`);

function home(): string {
  const features = [
    [
      'The kernel, directly',
      'epoll and io_uring through the runtime’s FFI. No native addon, no compiler.',
    ],
    ['Whole frames', 'Codecs cut the stream; a small handler gets messages and answers them.'],
    ['Loops on threads', 'One program, one loop per core, connections shared out among them.'],
    ['Bounded memory', 'Backpressure, watermarks and caps on every connection.'],
    ['Nothing lost', 'Restarts that hand over listeners; stops that answer what has arrived.'],
    ['Your packages', 'node:http, fastify, ws, Hono and others run on the same sockets.'],
  ];
  const list = features.map(([title, details]) => `  - title: ${title}\n    details: ${details}`);
  return `---
layout: home
hero:
  name: gnet
  text: for TypeScript
  tagline: Event-driven networking on Node, Bun and Deno.
  actions:
    - theme: brand
      text: Start in two minutes
      link: /start
    - theme: alt
      text: Examples
      link: /examples
features:
${list.join('\n')}
---
`;
}
