import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { withOptionRows } from '../../scripts/option-tables.ts';
import { optionNames } from '../../src/server/options.ts';
import { firstCells } from './tables.ts';

describe('docs/options.md', () => {
  test('has one row for each option and no other rows', () => {
    assert.ok(optionNames.length > 30);
    assert.deepEqual(firstCells('options.md').sort(), [...optionNames].sort());
  });

  test('says what the doc comments say: node scripts/option-tables.ts writes its rows', () => {
    const text = readFileSync(new URL('../../docs/options.md', import.meta.url), 'utf8');
    assert.equal(text, withOptionRows(text));
  });
});
