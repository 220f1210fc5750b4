/**
 * Makes the pictures of the documentation that show gnet/inspect. Needs Chromium.
 *
 *     npm run example scripts/screenshots.ts
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { client, serve } from 'gnet';
import { inspect } from 'gnet/inspect';

const folder = fileURLToPath(new URL('../docs/images/', import.meta.url));
const peers = 60;
/** So long the plots run before a picture is taken. */
const plotMs = 20_000;

mkdirSync(folder, { recursive: true });
const server = await serve({ react: (frame) => frame }, 'tcp://127.0.0.1:9000');
const dialler = await client({});
for (let index = 0; index < peers; index++) {
  const c = await dialler.dial('tcp://127.0.0.1:9000');
  const bytes = Buffer.alloc(200 + 40 * index);
  const speak = (): void => {
    c.asyncWrite(bytes);
    c.setTimer(50 + Math.trunc(200 * Math.random()), speak);
  };
  speak();
}
const page = await inspect(server, { interval: 500 });

const executablePath = execFileSync('sh', ['-c', 'command -v chromium'], { encoding: 'utf8' });
const browser = await chromium.launch({
  executablePath: executablePath.trim(),
  args: ['--no-sandbox', '--disable-gpu'],
});

async function take(name: string, width: number, height: number, dark: boolean): Promise<void> {
  const colorScheme = dark ? 'dark' : 'light';
  const tab = await browser.newPage({ viewport: { width, height }, colorScheme });
  await tab.goto(page.url);
  await tab.waitForTimeout(plotMs);
  await tab.screenshot({ path: `${folder}${name}.png` });
  await tab.close();
}

await Promise.all([take('inspect', 1_100, 1_000, false), take('inspect-phone', 390, 844, true)]);
await browser.close();
await page.close();
await dialler.close();
await server.close();
