/** Which figures are drawn of a stored result, and what they say. */

import type { Case } from '../harness/load.ts';
import { SUBJECT } from '../harness/peer.ts';
import { type CaseResult, type Summary, summarise, type WorkResult } from '../harness/results.ts';
import type { Spread } from '../harness/statistics.ts';
import { caseTitle, machineText, numberText, subjectOf } from '../harness/table.ts';
import { type Bar, type BarGrid, drawBarGrid, type Panel } from './bar-grid.ts';

interface Metric {
  /** Part of the file's name. */
  readonly name: string;
  readonly title: string;
  readonly note: string;
  value(summary: Summary): Spread;
}

const METRICS: readonly Metric[] = [
  {
    name: 'cpu',
    title: 'CPU time of the server per request',
    note: 'microseconds, less is better',
    value: (summary) => summary.cpuUsPerRequest,
  },
  {
    name: 'throughput',
    title: 'requests per second',
    note: 'more is better; a star marks a load generator at its own limit',
    value: (summary) => summary.requestsPerSecond,
  },
  {
    name: 'latency',
    title: '99th percentile of latency',
    note: 'microseconds in a closed loop, less is better',
    value: (summary) => summary.p99Us,
  },
];

export interface Figure {
  /** Without an extension. */
  readonly name: string;
  readonly svg: string;
}

export function figuresOf(result: WorkResult): Figure[] {
  return METRICS.map((metric) => ({
    name: `${result.work}-${metric.name}`,
    svg: drawBarGrid(gridOf(result, metric)),
  }));
}

/** One row of panels per message size, one column per number of connections and pipeline. */
function gridOf(result: WorkResult, metric: Metric): BarGrid {
  const sizes = distinct(result.cases.map((one) => one.case.size));
  const columns = distinct(result.cases.map((one) => columnKey(one.case)));
  const { rounds, seconds } = result.settings;
  const versions = result.peers.map((peer) =>
    [`${peer.name}:`, ...Object.entries(peer.versions).flat()].join(' '),
  );
  return {
    title: `${result.title}: ${metric.title}`,
    notes: [
      `${metric.note}; bar: median of ${rounds} rounds of ${seconds} s, whisker: lowest and ` +
        `highest round; in parentheses: times ${subjectOf(result)}. Every panel has its own scale.`,
      `${machineText(result)}, ${result.measuredAt.slice(0, 10)}. ${versions.join('; ')}`,
    ],
    rows: sizes.map((size) =>
      columns.map((column) => {
        const found = result.cases.find(
          (one) => one.case.size === size && columnKey(one.case) === column,
        );
        return found === undefined ? null : panelOf(result, found, metric);
      }),
    ),
  };
}

function panelOf(result: WorkResult, one: CaseResult, metric: Metric): Panel | null {
  const subject = summarise(one, subjectOf(result) ?? SUBJECT);
  const bars = result.peers.flatMap(({ name }): Bar[] => {
    const summary = summarise(one, name);
    if (summary === null) return [];
    const { median, min, max } = metric.value(summary);
    const star = metric.name === 'throughput' && summary.loadSaturated ? '*' : '';
    const times =
      subject === null ? '' : ` (${(median / metric.value(subject).median).toFixed(2)}x)`;
    const text = `${numberText(median)}${star}${times}`;
    return [
      { label: name, value: median, low: min, high: max, text, highlighted: name === SUBJECT },
    ];
  });
  return bars.length === 0 ? null : { title: caseTitle(one.case), bars };
}

function columnKey(one: Case): string {
  return `${one.connections}/${one.pipeline}`;
}

function distinct<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}
