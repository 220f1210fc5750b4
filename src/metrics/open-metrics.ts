/** From counters to text. */
import type { HistogramStats, LoopStats, Server, ServerStats } from '../index.ts';
import {
  type HistogramFamily,
  histogramFamilies,
  type LoopFamily,
  loopFamilies,
} from './loop-families.ts';
import {
  checkFamily,
  checkSample,
  type Labels,
  type MetricFamily,
  namesOf,
  refuse,
} from './own-metrics.ts';

/** The `Content-Type` of what `openMetrics` returns; a scraper must be told. */
export const openMetricsType = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

/** A server, or a client: whatever has counters. */
type Counted = Pick<Server, 'stats'> & { readonly addr?: string };

/**
 * The counters of servers as OpenMetrics text, which ends with `# EOF`. Serve it as
 * `openMetricsType`. It only reads memory: call it whenever somebody scrapes, on any thread that has
 * the server. Each sample has the labels `server` (its first address, or `client`) and `loop`.
 * @param of one server, or several in one text.
 * @param own metrics of the program, behind those of gnet.
 * @throws ErrInvalidOption for a metric of the program that would make the text unreadable: a bad
 *   name, label or unit, the same name or set of labels twice, a name that a metric or a sample of gnet
 *   has, a counter below 0.
 */
export function openMetrics(
  of: Counted | readonly Counted[],
  own: readonly MetricFamily[] = [],
): string {
  const servers = Array.isArray(of) ? (of as readonly Counted[]) : [of as Counted];
  const read = servers.map((server, index) => {
    return { name: server.addr || 'client', index, stats: server.stats() };
  });
  // Two clients in one text would write the same samples.
  const named = read.map(({ name, index, stats }) => {
    const isFirst = read.findIndex((other) => other.name === name) === index;
    return { name: isFirst ? name : `${name}#${index}`, stats };
  });
  const lines: string[] = [];
  writeInfo(lines, named);
  for (const family of loopFamilies) writeLoops(lines, family, named);
  for (const family of histogramFamilies) writeHistograms(lines, family, named);
  writeOwn(lines, own);
  lines.push('# EOF', '');
  return lines.join('\n');
}

interface Named {
  readonly name: string;
  readonly stats: ServerStats;
}

function writeHead(lines: string[], family: Omit<MetricFamily, 'value' | 'type'>, type: string) {
  const { name, unit, help } = family;
  lines.push(`# TYPE ${name} ${type}`);
  if (unit !== undefined) lines.push(`# UNIT ${name} ${unit}`);
  lines.push(`# HELP ${name} ${escaped(help)}`);
}

function writeInfo(lines: string[], servers: readonly Named[]): void {
  writeHead(lines, { name: 'gnet_server', help: 'What a server runs on.' }, 'info');
  for (const { name, stats } of servers) {
    const tls = stats.tls === undefined ? {} : { tls: `${stats.tls.engine} ${stats.tls.version}` };
    const labels = { server: name, driver: stats.driver, host: stats.host, ...tls };
    lines.push(`gnet_server_info${inBraces(labels)} 1`);
  }
}

function writeLoops(lines: string[], family: LoopFamily, servers: readonly Named[]): void {
  const telling = servers.filter(({ stats }) => !family.tls || stats.tls !== undefined);
  if (telling.length === 0) return;
  writeHead(lines, family, family.type);
  const name = family.type === 'counter' ? `${family.name}_total` : family.name;
  for (const { name: server, stats } of telling) {
    stats.loops.forEach((loop, index) => {
      const labels = { server, loop: String(index) };
      for (const [reason, value] of valuesOf(family, loop)) {
        const all = reason === '' ? labels : { ...labels, reason };
        lines.push(`${name}${inBraces(all)} ${value * (family.scale ?? 1)}`);
      }
    });
  }
}

function writeHistograms(
  lines: string[],
  family: HistogramFamily,
  servers: readonly Named[],
): void {
  const found = servers.flatMap(({ name: server, stats }) => {
    return stats.loops.flatMap(({ histograms }, index) =>
      histograms === undefined
        ? []
        : [{ labels: { server, loop: String(index) }, figures: histograms[family.of] }],
    );
  });
  if (found.length === 0) return;
  writeHead(lines, family, 'histogram');
  for (const { labels, figures } of found) writeHistogram(lines, family, labels, figures);
}

/** Each bucket is written with all that is in those below it. */
function writeHistogram(
  lines: string[],
  { name, scale }: HistogramFamily,
  labels: Labels,
  { bounds, counts, count, sum }: HistogramStats,
): void {
  let below = 0;
  counts.forEach((inBucket, at) => {
    below += inBucket;
    const bound = bounds[at];
    const le = bound === undefined ? '+Inf' : decimalText(bound * scale);
    lines.push(`${name}_bucket${inBraces({ ...labels, le })} ${below}`);
  });
  lines.push(`${name}_sum${inBraces(labels)} ${sum * scale}`);
  lines.push(`${name}_count${inBraces(labels)} ${count}`);
}

/** A bound is compared as text by some: always with a point, and without the noise of a division. */
function decimalText(value: number): string {
  const text = String(Number(value.toPrecision(12)));
  return /[.e]/.test(text) ? text : `${text}.0`;
}

/** With the reason of each, if there are several. */
function valuesOf({ of }: LoopFamily, loop: LoopStats): (readonly [string, number])[] {
  if (typeof of === 'string') return [['', loop[of]]];
  return Object.entries(of).map(([reason, name]) => [reason, loop[name]]);
}

function writeOwn(lines: string[], own: readonly MetricFamily[]): void {
  if (own.length === 0) return;
  const taken = new Set([
    ...namesOf('gnet_server', 'info'),
    ...loopFamilies.flatMap(({ name, type }) => namesOf(name, type)),
    ...histogramFamilies.flatMap(({ name }) => namesOf(name, 'histogram')),
  ]);
  for (const family of own) {
    checkFamily(family, taken);
    for (const name of namesOf(family.name, family.type)) taken.add(name);
    writeHead(lines, family, family.type);
    writeSamples(lines, family);
  }
}

function writeSamples(lines: string[], family: MetricFamily): void {
  const name = family.type === 'counter' ? `${family.name}_total` : family.name;
  const values =
    typeof family.value === 'number' ? [{ labels: {}, value: family.value }] : family.value;
  const written = new Set<string>();
  for (const sample of values) {
    checkSample(family, sample);
    const labels = inBraces(sample.labels);
    const sorted = JSON.stringify(Object.entries(sample.labels).toSorted());
    if (written.has(sorted)) refuse(family.name, `the labels ${labels || '{}'} come twice`);
    written.add(sorted);
    lines.push(`${name}${labels} ${numberText(sample.value)}`);
  }
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? '+Inf' : '-Inf';
}

const escaped = (text: string): string =>
  text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');

function inBraces(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}
