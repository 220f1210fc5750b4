/** Results as text for a terminal. */

import type { Case } from './load.ts';
import { SUBJECT } from './peer.ts';
import {
  type CaseResult,
  cpuUsPerRequest,
  LOAD_SATURATION,
  ratio,
  requestsPerSecond,
  type Summary,
  summarise,
  type WorkResult,
} from './results.ts';
import type { Interval, Spread } from './statistics.ts';

const COLUMNS = [
  'peer',
  'CPU us/req (min-max)',
  'CPU us/KiB',
  'req/s',
  'MiB/s',
  'p50 us',
  'p99 us',
  'p99.9 us',
  'RSS MiB',
  'load',
];

export function caseTitle(one: Case): string {
  const pipeline = one.pipeline === 1 ? '' : `, ${one.pipeline} in flight each`;
  const plural = one.connections === 1 ? '' : 's';
  return `${bytesText(one.size)}, ${one.connections} connection${plural}${pipeline}`;
}

export function bytesText(bytes: number): string {
  if (bytes >= 2 ** 20 && bytes % 2 ** 20 === 0) return `${bytes / 2 ** 20} MiB`;
  if (bytes >= 2 ** 10 && bytes % 2 ** 10 === 0) return `${bytes / 2 ** 10} KiB`;
  return `${bytes} B`;
}

/** Three significant digits, without an exponent. */
export function numberText(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en-US');
  return value >= 10 ? value.toFixed(1) : value >= 0.1 ? value.toFixed(2) : value.toFixed(4);
}

/** The peer that ratios start from: ours, or the first one when ours was not measured. */
export function subjectOf(result: WorkResult): string | undefined {
  const names = result.peers.map((peer) => peer.name);
  return names.includes(SUBJECT) ? SUBJECT : names[0];
}

export function machineText({ machine }: WorkResult): string {
  return `${machine.cpu}, ${machine.cores} cores, ${machine.system} ${machine.architecture}`;
}

export function renderResult(result: WorkResult): string {
  const { settings } = result;
  const lines = [
    `${result.title}, measured ${result.measuredAt}`,
    `${machineText(result)}; ${settings.rounds} rounds of ${settings.seconds} s ` +
      `after ${settings.warmupSeconds} s of warm-up`,
  ];
  for (const peer of result.peers) {
    const versions = Object.entries(peer.versions).map(([name, version]) => `${name} ${version}`);
    lines.push(`  ${peer.name}: ${[peer.title, ...versions].join(', ')}`);
  }
  for (const { peer, reason } of result.skipped) lines.push(`  ${peer}: skipped, ${reason}`);
  if (settings.pinning.warning !== null) lines.push(`  WARNING: ${settings.pinning.warning}`);
  for (const one of result.cases) lines.push('', ...renderCase(result, one));
  return `${lines.join('\n')}\n`;
}

function renderCase(result: WorkResult, one: CaseResult): string[] {
  const rows = [COLUMNS];
  const notes: string[] = [];
  for (const peer of result.peers) {
    const summary = summarise(one, peer.name);
    if (summary === null) notes.push(`${peer.name}: no figures, every round failed`);
    else {
      rows.push(row(peer.name, summary));
      notes.push(...warnings(peer.name, summary));
    }
  }
  for (const { peer, round, reason } of one.failures) {
    notes.push(`${peer}: round ${round + 1} failed: ${reason}`);
  }
  const lines = [`${result.title}, ${caseTitle(one.case)}`, ...align(rows)];
  return [...lines, ...ratioLines(result, one), ...notes.map((note) => `  ! ${note}`)];
}

function row(peer: string, s: Summary): string[] {
  const medians = [s.cpuUsPerKiB, s.requestsPerSecond, s.mebibytesPerSecond];
  const latencies = [s.p50Us, s.p99Us, s.p999Us];
  const memory = s.peakMemoryBytes === null ? '-' : numberText(s.peakMemoryBytes / 2 ** 20);
  return [
    peer,
    spreadText(s.cpuUsPerRequest),
    ...[...medians, ...latencies].map((value) => numberText(value.median)),
    memory,
    `${Math.round(s.loadUtilisation.median * 100)} %${s.loadSaturated ? ' !' : ''}`,
  ];
}

function warnings(peer: string, summary: Summary): string[] {
  const notes: string[] = [];
  if (summary.loadSaturated) {
    const limit = LOAD_SATURATION * 100;
    notes.push(`${peer}: the load used more than ${limit} % of its core, req/s is a lower bound`);
  }
  if (summary.lost > 0) notes.push(`${peer}: ${summary.lost} datagrams were lost`);
  return notes;
}

function ratioLines(result: WorkResult, one: CaseResult): string[] {
  const subject = subjectOf(result);
  if (subject === undefined) return [];
  return result.peers.flatMap(({ name }) => {
    if (name === subject) return [];
    const cpu = ratio(one, subject, name, cpuUsPerRequest);
    const throughput = ratio(one, subject, name, requestsPerSecond);
    if (cpu === null || throughput === null) return [];
    const values = `CPU ${ratioText(cpu)}, throughput ${ratioText(throughput)}`;
    return [`  ${subject} beside ${name}: ${values}`];
  });
}

function ratioText(interval: Interval): string {
  const [low, high] = [interval.low.toFixed(2), interval.high.toFixed(2)];
  return `${interval.median.toFixed(2)}x (${low}-${high})`;
}

function spreadText(value: Spread): string {
  return `${numberText(value.median)} (${numberText(value.min)}-${numberText(value.max)})`;
}

/** Pads cells into columns: names to the left, numbers to the right. */
function align(rows: readonly (readonly string[])[]): string[] {
  const widths = COLUMNS.map((_, column) => Math.max(...rows.map((r) => r[column]!.length)));
  return rows.map((cells) => {
    const padded = cells.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!),
    );
    return `  ${padded.join('  ')}`;
  });
}
