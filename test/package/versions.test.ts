/** Which versions of Node the package is for: said in one way everywhere, and tested. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { olderMajors } from '../../scripts/other-node.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
/** The built package and the driver contract run on it: `npm run test:drivers`. */
const oldest = Math.min(...olderMajors);

test('the oldest Node that the package asks for is the oldest that it is tested on', () => {
  const { engines } = JSON.parse(read('package.json')) as { engines: { node: string } };
  assert.match(engines.node, new RegExp(`^>=${oldest}\\.\\d+$`));
  const lock = JSON.parse(read('package-lock.json')) as { packages: { '': typeof engines } };
  assert.deepEqual((lock.packages[''] as unknown as { engines: unknown }).engines, engines);
});

test('the pages promise neither an older one nor a later one', () => {
  const { engines } = JSON.parse(read('package.json')) as { engines: { node: string } };
  assert.ok(read('README.md').includes(`from Node ${engines.node.slice('>='.length)} on`));
  const pages = ['README.md', ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`)];
  for (const page of pages.filter((path) => path.endsWith('.md'))) {
    for (const [claim, major] of read(page).matchAll(/Node (\d+)(?:\.\d+)? (?:or newer|on\b)/g)) {
      assert.ok(Number(major) >= oldest, `${page}: ${claim}`);
    }
  }
});
