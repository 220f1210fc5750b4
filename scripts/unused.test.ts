import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { findUnused } from './unused/findings.ts';
import { readNames } from './unused/names.ts';

const config = { compilerOptions: { module: 'NodeNext', types: [], noEmit: true }, include: ['.'] };

const files = {
  'tsconfig.json': JSON.stringify(config),
  'src/index.ts':
    "export * from './errors.js';\nexport { serve, type Options } from './serve.js';\n",
  'src/errors.ts': [
    'export class ErrMade extends Error {}',
    'export class ErrNever extends Error {}',
    '/** Never thrown: the name is kept. */',
    'export class ErrKept extends Error {}',
  ].join('\n'),
  'src/serve.ts': [
    "import { ErrMade } from './errors.js';",
    "import { helper, table } from './helpers.js';",
    'export interface Options {',
    '  readonly read?: number;',
    '  readonly ignored?: number;',
    '}',
    'export function serve(options: Options): number {',
    '  if (options.read === undefined) throw new ErrMade();',
    '  return helper(options.read) + table.used;',
    '}',
  ].join('\n'),
  'src/helpers.ts': [
    'export function helper(value: number, more = 1): number {',
    '  return value + more + local();',
    '}',
    'export function local(): number {',
    '  return 1;',
    '}',
    'export const nowhere = 1;',
    'export const table = { used: 1, unused: 2 } as const;',
    'export const forTests = 1;',
  ].join('\n'),
  'src/helpers.test.ts': "import { forTests } from './helpers.js';\nvoid forTests;\n",
};

test('finds what nobody uses, and nothing else', (t) => {
  const root = `${mkdtempSync(join(tmpdir(), 'gnet-unused-'))}/`;
  t.after(() => rmSync(root, { recursive: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  const found = findUnused(readNames(root, ['src/index.ts']));
  assert.deepEqual(found.map(({ file, line, message }) => `${file}:${line} ${message}`).sort(), [
    'src/errors.ts:2 nothing makes ErrNever',
    'src/helpers.ts:1 nobody gives helper its parameter more',
    'src/helpers.ts:4 nobody imports local',
    'src/helpers.ts:7 nobody uses nowhere',
    'src/helpers.ts:8 nobody names the member unused',
    'src/serve.ts:5 nobody names the member ignored',
  ]);
});
