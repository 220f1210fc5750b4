/** How long the work of all loops took, and how large frames were: with the option `histograms`. */
import type { HistogramData, HistogramsData, ServerData } from './data.ts';
import { byId, make } from './dom.ts';
import { bytes, count, milliseconds } from './format.ts';

const rows: readonly (readonly [keyof HistogramsData, string, (value: number) => string])[] = [
  ['handlerMs', 'calls of the handler', milliseconds],
  ['turnMs', 'turns of loops', milliseconds],
  ['acceptWaitMs', 'waits to be accepted', milliseconds],
  ['frameBytes', 'frames', bytes],
];
const shares = [0.5, 0.9, 0.99, 0.999];

/** All loops in one; they have the same buckets. */
function added(all: readonly HistogramData[]): HistogramData | undefined {
  const [first, ...others] = all;
  if (first === undefined) return undefined;
  return others.reduce(
    (sum, one) => ({
      bounds: sum.bounds,
      counts: sum.counts.map((value, at) => value + (one.counts[at] ?? 0)),
      count: sum.count + one.count,
      sum: sum.sum + one.sum,
    }),
    first,
  );
}

/** That share of the values is at most so large; undefined for no values. */
export function quantile({ bounds, counts, count: all }: HistogramData, share: number) {
  let below = 0;
  const bucket = counts.findIndex((inBucket) => {
    below += inBucket;
    return below > 0 && below >= share * all;
  });
  return bucket === -1 ? undefined : (bounds[bucket] ?? Infinity);
}

/** Nothing of a server without histograms. */
export function showHistograms(server: ServerData): void {
  const of = server.stats.loops.flatMap(({ histograms }) => histograms ?? []);
  const place = byId('histograms');
  place.hidden = of.length === 0;
  if (of.length === 0) return;
  const body = rows.map(([name, title, format]) => {
    const figures = added(of.map((loop) => loop[name]));
    const row = make('tr', {}, make('th', { scope: 'row' }, title));
    if (figures === undefined) return row;
    row.dataset['histogram'] = name;
    const mean = figures.count === 0 ? '–' : format(figures.sum / figures.count);
    const shown = shares.map((share) => {
      const bound = quantile(figures, share);
      if (bound === undefined) return '–';
      return bound === Infinity ? `> ${format(figures.bounds.at(-1) ?? 0)}` : `≤ ${format(bound)}`;
    });
    for (const text of [count(figures.count), mean, ...shown]) row.append(make('td', {}, text));
    return row;
  });
  const head = ['', 'count', 'mean', ...shares.map((share) => `${share * 100} %`)];
  const table = make(
    'table',
    {},
    make('thead', {}, make('tr', {}, ...head.map((text) => make('th', {}, text)))),
    make('tbody', {}, ...body),
  );
  place.replaceChildren(
    make('h2', {}, 'Since the start'),
    make('div', { className: 'scrolls' }, table),
  );
}
