/** One figure for the cases that a reader asks for first: CPU per request, ours and theirs. */

import { headlinesOf, occasionsText } from '../harness/headlines.ts';
import { KINDS } from '../harness/metrics.ts';
import { isOurs, SUBJECT } from '../harness/peer.ts';
import { type CaseResult, spreadOf, type WorkResult } from '../harness/results.ts';
import { numberText, subjectOf } from '../harness/table.ts';
import { type Bar, drawBarGrid, type Panel } from './bar-grid.ts';
import type { Figure } from './figures.ts';

const COLUMNS = 3;

/** Null when none of the headlines was measured. */
export function overviewOf(results: readonly WorkResult[]): Figure | null {
  const panels = headlinesOf(results)
    // A case that stands in two lines is one panel.
    .filter(({ result, subject }) => result.kind === 'requests' && subject === SUBJECT)
    .map(({ title, result, one }) => panelOf(title, result, one));
  if (panels.length === 0) return null;
  const rows: Panel[][] = [];
  for (let i = 0; i < panels.length; i += COLUMNS) rows.push(panels.slice(i, i + COLUMNS));
  const svg = drawBarGrid({
    title: 'CPU time of the server per request',
    notes: [
      'microseconds, less is better. Bar: median of the rounds; whisker: lowest and highest ' +
        'round; in parentheses: times gnet for TypeScript. Every panel has its own scale.',
      `${occasionsText(headlinesOf(results))}. Versions: in the page of results.`,
    ],
    rows,
  });
  return { name: 'overview-cpu', svg };
}

function panelOf(title: string, result: WorkResult, one: CaseResult): Panel {
  const metric = KINDS[result.kind].columns[0]!;
  const subject = spreadOf(one, subjectOf(result) ?? SUBJECT, metric);
  const bars = result.peers.flatMap(({ name }): Bar[] => {
    const spread = spreadOf(one, name, metric);
    if (spread === null) return [];
    const times = subject === null ? '' : ` (${(spread.median / subject.median).toFixed(2)}x)`;
    const text = `${numberText(spread.median)}${times}`;
    const { median, min, max } = spread;
    return [{ label: name, value: median, low: min, high: max, text, highlighted: isOurs(name) }];
  });
  return { title, bars: bars.sort((a, b) => a.value - b.value) };
}
