/** How VitePress makes the site. `npm run site` writes content/ and sidebar.json first. */
import { readFileSync } from 'node:fs';
import { defineConfig } from 'vitepress';
import { search } from './search.mts';

const sidebar = JSON.parse(readFileSync(new URL('sidebar.json', import.meta.url), 'utf8'));

/** As a repository's pages have them, for which the links are written. */
function slugify(heading: string): string {
  const kept = heading.trim().toLowerCase().replaceAll(/[^\p{L}\p{N}\p{M}\s_-]/gu, '');
  return kept.replaceAll(/\s/g, '-');
}

export default defineConfig({
  title: 'gnet for TypeScript',
  description: 'Event-driven networking for TypeScript on Node, Bun and Deno',
  lang: 'en',
  base: process.env.SITE_BASE ?? '/',
  srcDir: 'content',
  outDir: 'dist',
  cleanUrls: false,
  // The navigation is one file, not a part of each page.
  metaChunk: true,
  // Nothing is loaded from elsewhere: the site works offline.
  head: [['link', { rel: 'icon', href: 'data:,' }]],
  markdown: {
    html: false,
    anchor: { slugify },
    languageAlias: { 'ts run': 'ts' },
  },
  themeConfig: {
    search: { provider: 'local', options: search },
    outline: [2, 3],
    nav: [
      { text: 'Start', link: '/start' },
      { text: 'Options', link: '/options' },
      { text: 'Errors', link: '/errors' },
      { text: 'Benchmarks', link: '/benchmark-results' },
    ],
    sidebar,
  },
});
