import { generationsMax } from '../base/limits.ts';

let groups = 0;

/**
 * Servers all have a loop 0 and a slot 0. Their generations begin far from one another (steps of the
 * golden ratio over half of what there is), so that an id given to the wrong server finds nothing
 * there instead of somebody else's connection.
 */
export function nextFirstGeneration(): number {
  const half = generationsMax / 2;
  return 1 + Math.floor(((groups++ * 0.618_033_988_749_895) % 1) * half);
}

/** Beyond this share of the generations a successor begins anew: it needs some for itself. */
const usedShareMax = 3 / 4;

/**
 * Where the successor of a loop begins: above everything that the loop used, or at 1 when little is
 * left above. The dead loop's memory refuses its handles either way. Only a bare id can then be
 * mistaken: one that was kept while its slot served about a million more connections.
 */
export function generationAfter(first: number, highest: number): number {
  const next = Math.max(first, highest + 1);
  return next > generationsMax * usedShareMax ? 1 : next;
}
