/** From counters to text. */
import {
  ErrInvalidOption,
  type HistogramStats,
  type LoopStats,
  type Server,
  type ServerStats,
} from '../index.ts';
import {
  type HistogramFamily,
  histogramFamilies,
  type LoopFamily,
  loopFamilies,
} from './loop-families.ts';

/** The `Content-Type` of what `openMetrics` returns; a scraper must be told. */
export const openMetricsType = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

type Labels = Readonly<Record<string, string>>;

/** A metric of the program's own. */
export interface MetricFamily {
  /** In `snake_case`, without `_total`: a counter gets that when it is written. */
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  /** What it counts, in a sentence. */
  readonly help: string;
  /** `bytes`, `seconds`, ...; the name must end with it. */
  readonly unit?: string;
  /** The value, or one for each set of labels. */
  readonly value: number | readonly { readonly labels: Labels; readonly value: number }[];
}

/** A server, or a client: whatever has counters. */
type Counted = Pick<Server, 'stats'> & { readonly addr?: string };

const namePattern = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const labelPattern = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/**
 * The counters of servers as OpenMetrics text, which ends with `# EOF`. Serve it as
 * `openMetricsType`. It only reads memory: call it whenever somebody scrapes, on any thread that has
 * the server. Each sample has the labels `server` (its first address, or `client`) and `loop`.
 * @param of one server, or several in one text.
 * @param own metrics of the program, behind those of gnet.
 * @throws ErrInvalidOption for a metric of the program that would make the text unreadable: a bad
 *   name or label, the same name twice, a name that gnet has, a counter below 0.
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
  const taken = new Set([
    'gnet_server',
    ...[...loopFamilies, ...histogramFamilies].map(({ name }) => name),
  ]);
  for (const family of own) {
    check(family, taken);
    taken.add(family.name);
    writeHead(lines, family, family.type);
    const name = family.type === 'counter' ? `${family.name}_total` : family.name;
    const values =
      typeof family.value === 'number' ? [{ labels: {}, value: family.value }] : family.value;
    for (const { labels, value } of values) {
      checkSample(family, labels, value);
      lines.push(`${name}${inBraces(labels)} ${numberText(value)}`);
    }
  }
}

function check({ name, type, unit }: MetricFamily, taken: ReadonlySet<string>): void {
  const wrong = (why: string): never => {
    throw new ErrInvalidOption(`cannot write the metric ${JSON.stringify(name)}: ${why}`);
  };
  if (!namePattern.test(name)) wrong('a name has letters, digits and _, and no digit in front');
  if (taken.has(name)) wrong('the text has a metric of that name already');
  if (type !== 'counter' && type !== 'gauge') wrong("its type must be 'counter' or 'gauge'");
  if (type === 'counter' && name.endsWith('_total')) wrong('leave out _total, which is added');
  if (unit !== undefined && !name.endsWith(`_${unit}`)) wrong(`it must end with _${unit}`);
}

function checkSample({ name, type }: MetricFamily, labels: Labels, value: number): void {
  const bad = Object.keys(labels).find((label) => !labelPattern.test(label));
  if (bad !== undefined) {
    throw new ErrInvalidOption(
      `cannot write the metric ${name}: its label ${JSON.stringify(bad)} must have letters, digits ` +
        'and _, and no digit in front',
    );
  }
  if (typeof value !== 'number' || (type === 'counter' && !(value >= 0))) {
    throw new ErrInvalidOption(
      `cannot write the metric ${name}: ${String(value)} is no value of a ${type}; give a number` +
        (type === 'counter' ? ' that is not negative' : ''),
    );
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
