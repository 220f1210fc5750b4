/** Each guide leads to a whole program, which a test runs. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const tests = globSync(['test/**/*.test.ts', 'examples/**/*.test.ts'], { cwd: root }).map(read);

for (const guide of globSync('docs/guides/*.md', { cwd: root }).sort()) {
  test(`${guide} leads to a program that is tested`, () => {
    const links = read(guide).matchAll(/\]\(\.\.\/\.\.\/(examples\/[\w./-]+\.ts)\)/g);
    const programs = [...new Set([...links].map(([, path]) => path as string))];
    assert.ok(programs.length > 0, 'it links to a program in examples/');
    const tested = programs.filter((path) => tests.some((text) => text.includes(path)));
    assert.ok(tested.length > 0, `no test names one of ${programs.join(', ')}`);
  });
}
