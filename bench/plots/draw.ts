/** Writes the figures of stored results beside them, as SVG and PNG. */

import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, parse } from 'node:path';
import { Resvg } from '@resvg/resvg-js';
import type { StoredResult } from '../harness/results.ts';
import { type Figure, figuresOf } from './figures.ts';
import { overviewOf } from './overview.ts';

/** Pixels of the PNG per unit of the SVG: sharp on screens of twice the usual density. */
const PNG_SCALE = 2;

/** Returns the names of the figures, without an extension. */
export function drawAll(results: readonly StoredResult[], folder: string): string[] {
  const overview = overviewOf(results);
  const figures = [...results.flatMap(figuresOf), ...(overview === null ? [] : [overview])];
  for (const figure of figures) draw(figure, folder);
  removeOthers(new Set(figures.map(({ name }) => name)), folder);
  return figures.map(({ name }) => name);
}

/** Figures of results that are not stored any more. */
function removeOthers(names: ReadonlySet<string>, folder: string): void {
  for (const file of readdirSync(folder)) {
    const { name, ext } = parse(file);
    if ((ext === '.svg' || ext === '.png') && !names.has(name)) rmSync(join(folder, file));
  }
}

function draw({ name, svg }: Figure, folder: string): void {
  writeFileSync(join(folder, `${name}.svg`), svg);
  const image = new Resvg(svg, { fitTo: { mode: 'zoom', value: PNG_SCALE } }).render();
  writeFileSync(join(folder, `${name}.png`), image.asPng());
}
