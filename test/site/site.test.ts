/** The documentation as a site: every link of its pages, and the pages in a real browser. */
import assert from 'node:assert/strict';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import * as gnet from 'gnet';
import { serveHttp, staticFiles } from 'gnet/http';
import { Content } from '../../scripts/site/content.ts';
import { sections } from '../../scripts/site/sections.ts';
import { missing, runClient } from '../support/outside-client.ts';

/** What somebody would type who does not know our words, and a page that must be among the first five. */
const searches: Readonly<Record<string, string>> = {
  'chat rooms': '/guides/chat.html',
  tls: '/tls.html',
  'reload certificate': '/tls.html#new-certificates',
  restart: '/restart.html',
  'zero downtime': '/restart.html',
  prometheus: '/monitoring.html',
  metrics: '/monitoring.html',
  'unit test': '/testing.html',
  mock: '/testing.html',
  'simulated driver': '/testing.html',
  'custom codec': '/codecs.html#writing-your-own-codec',
  'slow handler': '/monitoring.html#slow-handlers',
  'event loop lag': '/monitoring.html',
  profiling: '/monitoring.html',
  framing: '/codecs.html',
  websocket: '/websocket.html',
  multicore: '/guides/threads-in-pictures.html',
  'graceful shutdown': '/guides/deploy.html#graceful-shutdown',
  timeouts: '/connections.html#timeouts',
  broadcast: '/connections.html',
  ECONNRESET: '/errors.html',
  ErrTimeout: '/errors.html',
  proxyProtocol: '/proxy-protocol.html',
  StopOptions: '/reference/',
};

const root = fileURLToPath(new URL('../..', import.meta.url));
const built = join(root, 'site', 'dist');
const isBuilt = existsSync(join(built, 'index.html'));
const skip = isBuilt ? missing('chromium') : 'the site is not built: npm run site';

test('the links of all documents lead to files that are there', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'gnet-site-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const pages = new Content(root, folder).write();
  const paths = new Set(pages.map(({ path }) => path));
  for (const { pages: named } of sections) {
    for (const path of named) assert.ok(paths.has(path), `${path} is a page`);
  }
  const named = new Set(sections.flatMap(({ pages: list }) => list));
  const documents = globSync('*.md', { cwd: join(root, 'docs') }).map((name) =>
    basename(name, '.md'),
  );
  const unnamed = documents.filter((name) => name !== 'README' && !named.has(name));
  assert.deepEqual(unnamed, [], 'every document has its place in scripts/site/sections.ts');
});

test('every link between pages leads to a page, and each error code has its anchor', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'gnet-site-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  new Content(root, folder).write();
  const lost: string[] = [];
  for (const file of globSync('**/*.md', { cwd: folder })) {
    if (/\.md\.md$/.test(file)) lost.push(`${file}: a link to it would be taken for another`);
    // Code between fences and between quotes has no links.
    const text = readFileSync(join(folder, file), 'utf8')
      .replaceAll(/^(`{3,})[^\n]*\n[\s\S]*?^\1$/gm, '')
      .replaceAll(/`[^`\n]*`/g, '');
    for (const [, target = ''] of text.matchAll(/\]\((\.\/[^)\s#]+)/g)) {
      if (!existsSync(join(folder, dirname(file), target))) lost.push(`${file}: ${target}`);
    }
  }
  assert.deepEqual(lost, []);
  const errors = readFileSync(join(folder, 'errors.md'), 'utf8');
  const codes = Object.keys(gnet).filter((name) => /^Err[A-Z]/.test(name));
  assert.ok(codes.length > 30);
  const without = codes.filter((code) => !errors.includes(`\`${code}\`{#${code}}`));
  assert.deepEqual(without, []);
  assert.ok(errors.includes('`EADDRINUSE`{#EADDRINUSE}'));
});

test('every anchor that a page leads to is on its page', { skip: isBuilt ? false : skip }, () => {
  const files = globSync('**/*.html', { cwd: built });
  const ids = new Map<string, Set<string>>();
  for (const file of files) {
    const html = readFileSync(join(built, file), 'utf8');
    ids.set(`/${file}`, new Set([...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => `${id}`)));
  }
  const lost: string[] = [];
  for (const file of files) {
    const html = readFileSync(join(built, file), 'utf8');
    for (const [, href = ''] of html.matchAll(/<a [^>]*?href="([^"]+)"/g)) {
      const { origin, pathname, hash } = new URL(href, `http://site/${file}`);
      if (origin !== 'http://site' || hash === '') continue;
      const wanted = decodeURIComponent(hash.slice(1));
      if (ids.get(pathname)?.has(wanted) !== true) lost.push(`${file}: ${href}`);
    }
  }
  assert.deepEqual([...new Set(lost)], []);
});

test('pages fit on a phone, load nothing from elsewhere and report nothing', {
  skip,
}, async (t) => {
  const server = await serveHttp({ fetch: staticFiles(built) }, 'tcp://127.0.0.1:0');
  t.after(() => server.stop());
  const origin = `http://${server.addr.replace('tcp://', '')}`;
  const found = await runClient('sh', ['-c', 'command -v chromium']);
  const browser = await chromium.launch({
    executablePath: String(found.stdout).trim(),
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
  });
  t.after(() => browser.close());
  const page = await browser.newPage({ viewport: { width: 390, height: 800 } });
  page.setDefaultTimeout(60_000);
  const problems: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(`${page.url()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => problems.push(`${page.url()}: ${error}`));
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(origin) && !url.startsWith('data:')) problems.push(url);
  });
  for (const path of ['index', ...sections.flatMap(({ pages }) => pages)]) {
    await page.goto(`${origin}/${path}.html`);
    const width = await page.evaluate('document.documentElement.scrollWidth');
    if (Number(width) > 390) problems.push(`${path} is ${width} px wide`);
  }
  assert.deepEqual(problems, []);

  await page.setViewportSize({ width: 1_200, height: 800 });
  await page.goto(`${origin}/start.html`);
  await page
    .getByRole('button', { name: /search/i })
    .first()
    .click();
  const unfound: string[] = [];
  for (const [words, wanted] of Object.entries(searches)) {
    await page.locator('#localsearch-input').fill(words);
    const found = page.locator(`#localsearch-list li:nth-child(-n+5) a[href^="${wanted}"]`);
    await found
      .first()
      .waitFor({ timeout: 20_000 })
      .catch(() => unfound.push(`'${words}' does not find ${wanted}`));
  }
  assert.deepEqual(unfound, []);
});
