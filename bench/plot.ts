/**
 * `npm run bench:plot [-- FOLDER]`: draws every stored result of a folder (bench/results/) as
 * SVG and PNG beside its JSON. It measures nothing.
 */

import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Resvg } from '@resvg/resvg-js';
import { RESULTS_FOLDER, readStored } from './harness/results.ts';
import { figuresOf } from './plots/figures.ts';

/** Pixels of the PNG per unit of the SVG: sharp on screens of twice the usual density. */
const PNG_SCALE = 2;

const folder = resolve(process.argv[2] ?? RESULTS_FOLDER);
for (const result of readStored(folder)) {
  for (const { name, svg } of figuresOf(result)) {
    writeFileSync(join(folder, `${name}.svg`), svg);
    const image = new Resvg(svg, { fitTo: { mode: 'zoom', value: PNG_SCALE } }).render();
    writeFileSync(join(folder, `${name}.png`), image.asPng());
    console.log(`drew ${name}.svg and ${name}.png`);
  }
}
