import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Resvg } from '@resvg/resvg-js';
import { type Bar, drawBarGrid } from './bar-grid.ts';

function bar(label: string, highlighted: boolean): Bar {
  return { label, value: 1, low: 1, high: 1, text: '1.00 (1.00x)', highlighted };
}

test('names of any length stay inside the picture', () => {
  const bars = [
    bar('gnet', true),
    bar('www-mmmm-io-uring-busy', true),
    bar('mm-www-example', false),
  ];
  const svg = drawBarGrid({ title: 'T', notes: ['n'], rows: [[{ title: 'P', bars }]] });
  const fontFiles: string[] = [];
  const picture = new Resvg(svg, { font: { loadSystemFonts: true, fontFiles } });
  const box = picture.getBBox();
  assert.ok(box !== undefined);
  assert.ok(box.x >= 0 && box.x + box.width <= picture.width, `${box.x} to ${box.x + box.width}`);
});
