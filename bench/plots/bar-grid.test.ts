import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Resvg } from '@resvg/resvg-js';
import { type Bar, drawBarGrid } from './bar-grid.ts';

const margin = 24;

function bar(label: string, highlighted: boolean): Bar {
  return { label, value: 1, low: 1, high: 1, text: '', highlighted };
}

/** Where what is drawn begins at the left; the white background does not count. */
function leftEdgeOf(bars: readonly Bar[]): number {
  const svg = drawBarGrid({ title: '', notes: [], rows: [[{ title: '', bars }]] });
  const lines = svg.split('\n').filter((line) => !/fill="#ffffff"|^<path d="M24 /.test(line));
  return new Resvg(lines.join('\n')).getBBox()?.x ?? Number.NaN;
}

test('the longest names of servers stay inside their panel', (t) => {
  const short = leftEdgeOf([bar('a', false)]);
  if (leftEdgeOf([bar('', false)]) === short) return t.skip('this machine has no font');
  for (const label of ['gnet-io-uring-busy', 'gnet-v2-example', 'netty-io-uring', 'node-cluster']) {
    for (const highlighted of [true, false]) {
      const left = leftEdgeOf([bar(label, highlighted)]);
      assert.ok(left >= margin, `${label} begins at ${left}`);
      assert.ok(left < margin + 60, 'it is drawn, and wastes no room');
    }
  }
});
