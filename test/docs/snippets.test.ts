/**
 * Every `ts` snippet of README.md and docs/ is type-checked as a program of its own, and those marked
 * `ts run` are run, so that what readers copy works. They stand in a directory of the repository for as
 * long as this runs: there `gnet` is the package itself, as its users write it.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

interface Snippet {
  /** `docs/handlers.md:12`: the line of its first line. */
  readonly place: string;
  readonly file: string;
  readonly runs: boolean;
}

/** What snippets without an import may use: the page around them says what it is. */
const prelude = `import type * as gnet from 'gnet';
declare global {
  const serve: typeof gnet.serve;
  const handler: gnet.EventHandler;
  const server: gnet.Server;
  const c: gnet.Conn;
}
`;

const root = fileURLToPath(new URL('../..', import.meta.url));
// Runs that were killed leave theirs behind, in which checks find what is no part of the repository.
for (const path of globSync('.snippets-*', { cwd: root })) {
  const ageMs = Date.now() - statSync(join(root, path)).mtimeMs;
  if (ageMs > 600_000) rmSync(join(root, path), { recursive: true, force: true });
}
const directory = mkdtempSync(join(root, '.snippets-'));
after(() => rmSync(directory, { recursive: true, force: true }));

const documents = ['README.md', ...globSync('docs/**/*.md', { cwd: root }).sort()];
const snippets = documents.flatMap((document) => extract(document));

/** Writes each snippet to a file of its own, with its lines where they are in the document. */
function extract(document: string): Snippet[] {
  const lines = readFileSync(join(root, document), 'utf8').split('\n');
  const found: Snippet[] = [];
  for (let start = 0; start < lines.length; start++) {
    const fence = /^```ts( run)?\s*$/.exec(lines[start] ?? '');
    if (fence === null) continue;
    const end = lines.indexOf('```', start);
    assert.ok(end > start, `${document}:${start + 1}: the snippet has no end`);
    const file = `${document.replaceAll(/[/\\]/g, '__')}.${start + 2}.ts`;
    const text = '\n'.repeat(start + 1) + lines.slice(start + 1, end).join('\n');
    writeFileSync(join(directory, file), `${text}\n`);
    found.push({ place: `${document}:${start + 2}`, file, runs: fence[1] !== undefined });
    start = end;
  }
  return found;
}

interface Outcome {
  readonly failed: boolean;
  readonly output: string;
}

function run(program: string, parameters: readonly string[]): Promise<Outcome> {
  const options = { cwd: directory, timeout: 60_000 };
  return new Promise((resolve) => {
    execFile(program, parameters, options, (error, stdout, stderr) => {
      resolve({ failed: error !== null, output: stdout + stderr });
    });
  });
}

describe('snippets of the documents', () => {
  test('there are some of both kinds', () => {
    assert.ok(snippets.some(({ place }) => place.startsWith('README.md')));
    assert.ok(snippets.some(({ runs }) => runs));
  });

  test('all of them have the right types', async () => {
    writeFileSync(join(directory, 'prelude.d.ts'), prelude);
    const settings = {
      extends: '../tsconfig.json',
      // A page may show a class and not use it.
      compilerOptions: {
        moduleDetection: 'force',
        noUnusedLocals: false,
        noUnusedParameters: false,
      },
      include: ['*.ts'],
    };
    writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify(settings));
    const compiler = fileURLToPath(import.meta.resolve('typescript/package.json'));
    const { failed, output } = await run(process.execPath, [
      join(compiler, '..', 'bin', 'tsc'),
      '--pretty',
      'false',
    ]);
    if (!failed) return;
    // As file:line of the document. What is wrong in src/ is said by `npm run types`.
    const named = output.replaceAll(
      /^(?:.*[/\\])?([^()/\\\n]+\.md)\.\d+\.ts\((\d+),\d+\)/gm,
      (_all, document: string, line: string) => `${document.replaceAll('__', '/')}:${line}`,
    );
    const wrong = named.split('\n').filter((line) => /^\S+\.md:\d+: error/.test(line));
    assert.deepEqual(wrong, []);
    assert.match(output, /error TS\d+/, `the compiler itself failed: ${output}`);
  });

  for (const { place, file, runs } of snippets) {
    if (!runs) continue;
    test(`${place} runs`, async () => {
      const flags = ['--conditions=gnet-source', '--disable-warning=ExperimentalWarning'];
      const { failed, output } = await run(process.execPath, [...flags, file]);
      assert.equal(failed, false, output);
    });
  }
});
