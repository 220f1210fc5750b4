/** Which figures are drawn of a stored result, and what they say. */

import type { Case } from '../harness/load.ts';
import { KINDS, type Metric } from '../harness/metrics.ts';
import { isOurs, SUBJECT } from '../harness/peer.ts';
import {
  type CaseResult,
  type StoredResult,
  spreadOf,
  utilisation,
  type WorkResult,
} from '../harness/results.ts';
import { caseTitle, machineText, numberText, settingsText, subjectOf } from '../harness/table.ts';
import { type Bar, type BarGrid, drawBarGrid, type Panel } from './bar-grid.ts';

export interface Figure {
  /** Without an extension. */
  readonly name: string;
  readonly svg: string;
}

export function figuresOf(result: StoredResult): Figure[] {
  return KINDS[result.kind].drawn.map((metric) => ({
    name: `${result.stem}-${metric.name}`,
    svg: drawBarGrid(gridOf(result, metric)),
  }));
}

/** One row of panels per message size or command, one column per connections and pipeline. */
function gridOf(result: WorkResult, metric: Metric): BarGrid {
  const rows = distinct(result.cases.map((one) => rowKey(one.case)));
  const columns = distinct(result.cases.map((one) => columnKey(one.case)));
  const versions = result.peers.map((peer) =>
    [`${peer.name}:`, ...Object.entries(peer.versions).flat()].join(' '),
  );
  const star = metric.better === 'more' ? ' A star marks a load generator at its own limit.' : '';
  return {
    title: `${result.title}: ${metric.title}`,
    notes: [
      `${metric.unit}, ${metric.better} is better. Bar: median of ${settingsText(result)}; ` +
        `whisker: lowest and highest round; in parentheses: times ${subjectOf(result)}. ` +
        `Every panel has its own scale.${star}`,
      `${machineText(result)}, ${result.measuredAt.slice(0, 10)}. ${versions.join('; ')}`,
    ],
    rows: rows.map((row) =>
      columns.map((column) => {
        const found = result.cases.find(
          (one) => rowKey(one.case) === row && columnKey(one.case) === column,
        );
        return found === undefined ? null : panelOf(result, found, metric);
      }),
    ),
  };
}

function panelOf(result: WorkResult, one: CaseResult, metric: Metric): Panel | null {
  const subject = spreadOf(one, subjectOf(result) ?? SUBJECT, metric);
  const bars = result.peers.flatMap(({ name }): Bar[] => {
    const spread = spreadOf(one, name, metric);
    if (spread === null) return [];
    const { median, min, max } = spread;
    const star = metric.better === 'more' && utilisation(one, name)?.saturated ? '*' : '';
    const times =
      subject === null || subject.median === 0 ? '' : ` (${(median / subject.median).toFixed(2)}x)`;
    const text = `${numberText(median)}${star}${times}`;
    return [{ label: name, value: median, low: min, high: max, text, highlighted: isOurs(name) }];
  });
  return bars.length === 0 ? null : { title: caseTitle(one.case), bars };
}

function rowKey(one: Case): string {
  return `${one.command ?? ''}/${one.size}`;
}

function columnKey(one: Case): string {
  return `${one.connections}/${one.pipeline}`;
}

function distinct<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}
