/**
 * `npm run bench:plot [-- FOLDER]`: draws every stored result of a folder (bench/results/) as
 * SVG and PNG beside its JSON. It measures nothing.
 */

import { resolve } from 'node:path';
import { RESULTS_FOLDER, readStored } from './harness/results.ts';
import { drawAll } from './plots/draw.ts';

const folder = resolve(process.argv[2] ?? RESULTS_FOLDER);
for (const name of drawAll(readStored(folder), folder))
  console.log(`drew ${name}.svg and ${name}.png`);
