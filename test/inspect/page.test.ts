/** The page of `inspect` in a real browser. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type Browser, chromium, type Page } from 'playwright-core';
import { client, serve } from 'gnet';
import { inspect } from 'gnet/inspect';
import { bytes } from '../../src/inspect/page/format.ts';
import { missing, runClient } from '../support/outside-client.ts';
import { connect, EchoHandler, startRig, type TestScope } from '../support/rig.ts';

const skip = missing('chromium');
let browser: Browser;

before(async () => {
  if (skip !== false) return;
  const args = ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'];
  const found = await runClient('sh', ['-c', 'command -v chromium']);
  browser = await chromium.launch({ executablePath: String(found.stdout).trim(), args });
});
after(() => browser?.close());

/** Opens the page; the test fails for whatever it reports. */
async function visit(t: TestScope, url: string, width = 1_200, dark = false) {
  const context = await browser.newContext({
    viewport: { width, height: 900 },
    colorScheme: dark ? 'dark' : 'light',
  });
  t.after(() => context.close());
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('console', (message) => problems.push(message.text()));
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('request', (request) => {
    if (!request.url().startsWith(url.replace(/#.*/, ''))) problems.push(request.url());
  });
  // A loaded machine takes its time to draw.
  page.setDefaultTimeout(60_000);
  await page.goto(url);
  return { page, problems };
}

/** What the page shows of every counter of every loop. */
async function countersOn(page: Page): Promise<Record<string, string>> {
  const pairs = await page.$$eval('[data-counter]', (cells) =>
    cells.map((cell) => [cell.dataset.counter, cell.dataset.value]),
  );
  return Object.fromEntries(pairs);
}

/** These change while nobody does anything. */
const restless = /^(?:turns|waits|events|utilization|activeMs|idleMs|tls)/;

test('shows what stats() says, and the connections', { skip }, async (t) => {
  const rig = await startRig(t, new EchoHandler(), { histograms: true });
  const inspector = await inspect(rig.server, { interval: 100 });
  t.after(() => inspector.close());
  for (const length of [10, 20_000]) {
    const peer = await connect(t, rig);
    peer.write(Buffer.alloc(length));
    await peer.readExactly(length);
  }
  const { page, problems } = await visit(t, inspector.url);
  await page.locator('#connections tbody tr').nth(1).waitFor();
  assert.ok(!page.url().includes('token'), 'the token does not stay in the address');

  const [loop] = rig.server.stats().loops;
  const wanted = Object.entries(loop ?? {}).filter(([name, value]) => {
    return typeof value === 'number' && !restless.test(name);
  });
  const expected = Object.fromEntries(
    wanted.flatMap(([name, value]) => [`${name} 0`, `${name} total`].map((at) => [at, `${value}`])),
  );
  const shown = Object.entries(await countersOn(page)).filter(([name]) => !restless.test(name));
  // With one loop there is the total alone.
  const totals = Object.entries(expected).filter(([name]) => name.endsWith('total'));
  assert.deepEqual(Object.fromEntries(shown), Object.fromEntries(totals));
  assert.equal(await page.locator('[data-card=Connections]').textContent(), '2');
  await page.locator('canvas').first().waitFor();
  const sizes = page.locator('[data-histogram=frameBytes] td');
  assert.equal(await sizes.first().textContent(), String(loop?.histograms?.frameBytes.count));
  assert.equal(await sizes.nth(1).textContent(), bytes(20_010 / Number(loop?.frames)));

  await page.getByRole('button', { name: 'Received', exact: true }).click();
  const first = page.locator('#connections tbody tr').first();
  await first.getByText('19.5 KiB').first().waitFor();
  const [most] = await rig.server.listConnections({ orderBy: 'bytesReceived' });
  assert.equal(await first.locator('td').first().textContent(), most?.remoteAddr);
  await first.getByRole('button').click();
  await page.locator('[data-counter="closed total"][data-value="1"]').waitFor();
  assert.deepEqual(problems, []);
});

test('a wrong token is asked for again, and the page finds back', { skip }, async (t) => {
  const server = await serve({}, 'tcp://127.0.0.1:0', { logLevel: 'warn' });
  t.after(() => server.close());
  const inspector = await inspect(server);
  t.after(() => inspector.close());
  const { page, problems } = await visit(t, `http://${inspector.addr}/#token=wrong`);
  await page.getByText('this token is not right').waitFor();
  assert.ok(await page.locator('main').isHidden());
  await page.getByLabel('Token').fill(inspector.token);
  await page.getByRole('button', { name: 'Show' }).click();
  await page.getByText('live', { exact: true }).waitFor();
  await page.reload();
  await page.getByText('live', { exact: true }).waitFor();
  await page.getByLabel('Log level').selectOption('debug');
  while (server.logLevel !== 'debug') await delay(5);
  // The browser itself tells of the 401.
  assert.deepEqual(
    problems.filter((text) => !/401/.test(text)),
    [],
  );
});

test('5,000 connections are turned page by page, on a phone, too', { skip }, async (t) => {
  const server = await serve(new EchoHandler(), 'tcp://127.0.0.1:0');
  t.after(() => server.close());
  const dialler = await client({});
  t.after(() => dialler.close());
  for (let count = 0; count < 5_000; count += 250) {
    await Promise.all(Array.from({ length: 250 }, () => dialler.dial(`tcp://${server.addr}`)));
  }
  const inspector = await inspect(server);
  t.after(() => inspector.close());
  const { page, problems } = await visit(t, inspector.url, 360, true);
  const range = page.locator('#range');
  await range.getByText('1–50 of 5,000', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Next' }).click();
  await range.getByText('51–100 of 5,000', { exact: true }).waitFor();
  assert.equal(await page.locator('#connections tbody tr').count(), 50);
  const peer = await page.locator('#connections tbody td').first().textContent();
  await page.getByLabel('Filter').fill(peer ?? '');
  await range.getByText('1–1 of 1', { exact: true }).waitFor();
  const widths = await page.evaluate('[document.documentElement.scrollWidth, innerWidth]');
  assert.deepEqual(widths, [360, 360]);
  assert.deepEqual(problems, []);
});
