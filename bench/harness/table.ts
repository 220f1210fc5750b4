/** Results as text for a terminal. */

import type { Case } from './load.ts';
import { KINDS } from './metrics.ts';
import { SUBJECT } from './peer.ts';
import {
  type CaseResult,
  correctedRatio,
  LOAD_SATURATION,
  ratio,
  spreadOf,
  utilisation,
  type WorkResult,
} from './results.ts';
import type { Interval, Spread } from './statistics.ts';

export function caseTitle(one: Case): string {
  const command = one.command === undefined ? [] : [one.command];
  const size = one.size === 0 ? [] : [bytesText(one.size)];
  const plural = one.connections === 1 ? '' : 's';
  const connections = `${one.connections.toLocaleString('en-US')} connection${plural}`;
  const pipeline = one.pipeline === 1 ? [] : [`${one.pipeline} in flight each`];
  return [...command, ...size, connections, ...pipeline].join(', ');
}

export function bytesText(bytes: number): string {
  if (bytes >= 2 ** 20 && bytes % 2 ** 20 === 0) return `${bytes / 2 ** 20} MiB`;
  if (bytes >= 2 ** 10 && bytes % 2 ** 10 === 0) return `${bytes / 2 ** 10} KiB`;
  return `${bytes} B`;
}

/** Three significant digits, without an exponent. */
export function numberText(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en-US');
  if (value >= 10 || value === 0) return value.toFixed(value === 0 ? 0 : 1);
  return value >= 0.1 ? value.toFixed(2) : value.toFixed(4);
}

/** The peer that ratios start from: ours, or the first one when ours was not measured. */
export function subjectOf(result: WorkResult): string | undefined {
  const names = result.peers.map((peer) => peer.name);
  return names.includes(SUBJECT) ? SUBJECT : names[0];
}

export function machineText({ machine }: WorkResult): string {
  return `${machine.cpu}, ${machine.cores} cores, ${machine.system} ${machine.architecture}`;
}

export function settingsText({
  settings,
  load,
  kind,
}: Pick<WorkResult, 'settings' | 'load' | 'kind'>): string {
  const rounds = `${settings.rounds} round${settings.rounds === 1 ? '' : 's'}`;
  if (kind === 'memory' || kind === 'start') return rounds;
  const warm = `${settings.warmupSeconds} s of warm-up and ${settings.settleSeconds} s of the same`;
  const { roundsPerStart = 1 } = settings;
  const starts = roundsPerStart === 1 ? '' : ` (new processes every ${roundsPerStart})`;
  const windows = `${rounds}${starts} of ${settings.seconds} s after ${warm}`;
  return `${windows}, load by ${load}`;
}

export function renderResult(result: WorkResult): string {
  const { settings } = result;
  const lines = [
    `${result.title}, measured ${result.measuredAt}`,
    `${machineText(result)}; ${settingsText(result)}`,
  ];
  for (const peer of result.peers) {
    const versions = Object.entries(peer.versions).map(([name, version]) => `${name} ${version}`);
    lines.push(`  ${peer.name}: ${[peer.title, ...versions].join(', ')}`);
  }
  for (const { peer, reason } of result.skipped) lines.push(`  ${peer}: skipped, ${reason}`);
  if (settings.pinning.warning !== null) lines.push(`  WARNING: ${settings.pinning.warning}`);
  for (const one of result.cases) lines.push('', ...renderCase(result, one));
  if (lines.some((line) => line.includes('corrected '))) lines.push('', CORRECTED);
  return `${lines.join('\n')}\n`;
}

function renderCase(result: WorkResult, one: CaseResult): string[] {
  const notes = notesOf(result, one).map((note) => `  ! ${note}`);
  const ratios = ratioLines(result, one).map((line) => `  ${line}`);
  return [
    `${result.title}, ${caseTitle(one.case)}`,
    ...align(tableOf(result, one)),
    ...ratios,
  ].concat(notes);
}

/** Head and rows, the same cells for a terminal and for a page. */
export function tableOf(result: WorkResult, one: CaseResult): string[][] {
  const { columns } = KINDS[result.kind];
  const [first, ...others] = columns.map((metric) => metric.column);
  const timed = hasLoadShare(result);
  const head = ['peer', `${first} (min-max)`, ...others, ...(timed ? ['load'] : [])];
  const rows = result.peers.flatMap(({ name }) => {
    const used = utilisation(one, name);
    if (used === null) return [];
    const spreads = columns.map((metric) => spreadOf(one, name, metric));
    const cells = spreads.map((spread, index) =>
      spread === null ? '-' : index === 0 ? spreadText(spread) : numberText(spread.median),
    );
    const share = `${Math.round(used.load.median * 100)} %${used.saturated ? ' !' : ''}`;
    return [[name, ...cells, ...(timed ? [share] : [])]];
  });
  return [head, ...rows];
}

/** What that word says beside a ratio. */
export const CORRECTED =
  'Corrected: each CPU time divided by that of the load in the same window, which takes out how ' +
  'fast the machine was just then.';

export function hasLoadShare({ kind }: WorkResult): boolean {
  return kind === 'requests' || kind === 'connections';
}

/** What a reader has to know about the figures of a case. */
export function notesOf(result: WorkResult, one: CaseResult): string[] {
  const notes: string[] = [];
  if (one.settings !== undefined) notes.push(settingsText({ ...result, settings: one.settings }));
  for (const { name } of result.peers) {
    const used = utilisation(one, name);
    const failed = one.failures.some(({ peer }) => peer === name);
    // Without failures it was not asked: others of the result have cases of their own.
    if (used === null && failed) notes.push(`${name}: no figures, every round failed`);
    else if (used?.saturated && hasLoadShare(result)) {
      const limit = LOAD_SATURATION * 100;
      notes.push(`${name}: the load used more than ${limit} % of its core, req/s is a lower bound`);
    }
    if (used !== null && used.lost > 0) notes.push(`${name}: ${used.lost} datagrams were lost`);
  }
  for (const { peer, round, reason } of one.failures) {
    notes.push(`${peer}: round ${round + 1} failed: ${reason}`);
  }
  return notes;
}

export function ratioLines(result: WorkResult, one: CaseResult): string[] {
  const subject = subjectOf(result);
  if (subject === undefined) return [];
  return result.peers.flatMap(({ name }) => {
    if (name === subject) return [];
    const texts = KINDS[result.kind].compared.flatMap((metric) => {
      const found = ratio(one, subject, name, metric.value);
      return found === null ? [] : [`${metric.column} ${ratioText(found)}`];
    });
    const corrected = correctedRatio(one, subject, name);
    if (corrected !== null && hasLoadShare(result)) {
      texts.splice(1, 0, `corrected ${ratioText(corrected)}`);
    }
    return texts.length === 0 ? [] : [`${subject} beside ${name}: ${texts.join(', ')}`];
  });
}

export function ratioText(interval: Interval): string {
  const [low, high] = [interval.low.toFixed(2), interval.high.toFixed(2)];
  return `${interval.median.toFixed(2)}x (${low}-${high})`;
}

function spreadText(value: Spread): string {
  return `${numberText(value.median)} (${numberText(value.min)}-${numberText(value.max)})`;
}

/** Pads cells into columns: names to the left, numbers to the right. */
function align(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows.map((cells) => {
    const padded = cells.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!),
    );
    return `  ${padded.join('  ')}`;
  });
}
