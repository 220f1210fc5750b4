import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { StructLayout } from './index.ts';
import { ioUringConstants, ioUringLayouts } from './linux-io-uring.ts';

const referencePath = new URL('../../test/data/platform-constants.json', import.meta.url);
const { io_uring: reference } = JSON.parse(readFileSync(referencePath, 'utf8')) as {
  io_uring: {
    const: Readonly<Record<string, number>>;
    struct: Readonly<
      Record<string, { size: number; fields: Readonly<Record<string, readonly number[]>> }>
    >;
  };
};

/** `bufReg` is `io_uring_buf_reg` in C, but the offsets of the rings are `io_sqring_offsets`. */
function nameInC(table: string): string {
  const name = table.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return name.endsWith('ring_offsets') ? `io_${name}` : `io_uring_${name}`;
}

test('every constant of io_uring has the value of the reference', () => {
  for (const [name, value] of Object.entries(ioUringConstants)) {
    assert.equal(value, reference.const[name], name);
  }
});

test('every struct of io_uring has the size and fields of the reference', () => {
  for (const [table, layout] of Object.entries<StructLayout>(ioUringLayouts)) {
    const expected = reference.struct[nameInC(table)];
    assert.equal(layout.size, expected?.size, table);
    const fields = Object.entries(layout.fields).map(([name, { offset, size }]) => [
      name,
      [offset, size],
    ]);
    assert.deepEqual(Object.fromEntries(fields), expected?.fields, table);
  }
});
