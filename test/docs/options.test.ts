import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { optionNames } from '../../src/server/options.ts';
import { firstCells } from './tables.ts';

describe('docs/options.md', () => {
  test('has one row for each option and no other rows', () => {
    assert.ok(optionNames.length > 30);
    assert.deepEqual(firstCells('options.md').sort(), [...optionNames].sort());
  });
});
