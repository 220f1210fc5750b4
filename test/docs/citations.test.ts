/** What comments and pages refer to is there: sections, decisions, files. */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

/** Not what others wrote: the peers of the bench are installed below it. */
const isTheirs = (path: string): boolean => path.split(/[\\/]/).includes('node_modules');
const sources = ['src', 'test', 'testing', 'examples', 'bench']
  .flatMap((folder) => globSync(`${folder}/**/*.ts`, { cwd: root }))
  .filter((path) => !isTheirs(path));
const pages = ['*.md', 'docs/**/*.md'].flatMap((pattern) => globSync(pattern, { cwd: root }));
const thisFile = 'test/docs/citations.test.ts';

/** Every match of `pattern` in the sources that `isThere` does not know, as `file: what`. */
function missing(pattern: RegExp, isThere: (cited: string) => boolean): string[] {
  return sources
    .filter((path) => path !== thisFile)
    .flatMap((path) =>
      [...read(path).matchAll(pattern)].map((match) => ({ path, cited: match[1] ?? '' })),
    )
    .filter(({ cited }) => !isThere(cited))
    .map(({ path, cited }) => `${path}: ${cited}`);
}

describe('citations', () => {
  test('SPEC x.y is a section or a row of docs/specification.md', () => {
    const text = read('docs/specification.md');
    const sections = new Set(
      [...text.matchAll(/^(?:#{2,3}|\|) (\d+(?:\.\d+)?)[. ]/gm)].map((match) => match[1]),
    );
    assert.ok(sections.has('2.9') && sections.has('9.13') && sections.has('8'));
    assert.ok(!sections.has('2.99'));
    assert.deepEqual(
      missing(/SPEC (?:section )?(\d+(?:\.\d+)?)/g, (cited) => sections.has(cited)),
      [],
    );
  });

  test('DESIGN, Topic is a paragraph of docs/design.md', () => {
    const text = read('docs/design.md');
    assert.deepEqual(
      missing(/DESIGN, ([A-Z][a-z]+)/g, (cited) => text.includes(`**${cited}`)),
      [],
    );
  });

  test('files of docs/ that comments name exist', () => {
    const decisions = globSync('docs/decisions/*.md', { cwd: root });
    const isThere = (cited: string): boolean =>
      existsSync(join(root, cited)) || decisions.some((path) => path.startsWith(`${cited}-`));
    assert.deepEqual(missing(/\b(docs\/[\w/-]*\w(?:\.(?:md|json))?)/g, isThere), []);
  });

  test('links between pages lead to files', () => {
    const broken = pages.flatMap((page) =>
      [...read(page).matchAll(/\]\(([^)#\s]+)[^)]*\)/g)]
        .map((match) => match[1] ?? '')
        .filter((target) => !/^\w+:/.test(target))
        .filter((target) => !existsSync(join(root, dirname(page), target)))
        .map((target) => `${page}: ${target}`),
    );
    assert.ok(pages.length > 15);
    assert.deepEqual(broken, []);
  });
});
