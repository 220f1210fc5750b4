/** Stored results as Markdown: the page of all of them, and the section of the README. */

import { headlinesOf, type MeasuredHeadline, occasionsText } from './headlines.ts';
import { KINDS } from './metrics.ts';
import {
  type CaseResult,
  correctedRatio,
  ratio,
  type StoredResult,
  spreadOf,
  type WorkResult,
} from './results.ts';
import {
  CORRECTED,
  caseTitle,
  hasLoadShare,
  machineText,
  notesOf,
  numberText,
  ratioText,
  settingsText,
  subjectOf,
  tableOf,
} from './table.ts';

const GENERATED = '<!-- Generated from bench/results/ by `npm run bench:report`; not by hand. -->';

/** From the page in docs/ to the figures. */
const FIGURES_FROM_DOCS = '../bench/results';

export function resultsPage(results: readonly StoredResult[]): string {
  const parts = [
    `# Benchmark results\n\n${GENERATED}`,
    'How each figure is measured, what it says and what it does not: [benchmarks](benchmarks.md). ' +
      'Ratios divide our value by that of the other server in the same round; below 1 is less ' +
      'than the other. In parentheses: the interval that holds 95 % of resampled medians. When it ' +
      `contains 1.00, no difference was shown. ${CORRECTED}`,
    `## The short form\n\n${headlineTable(results)}`,
    `${BOLD} Measured ${occasionsText(headlinesOf(results))}.`,
    `![CPU time per request](${FIGURES_FROM_DOCS}/overview-cpu.svg)`,
    ...results.map((result) => workSection(result, titleOf(result, results))),
  ];
  return `${parts.join('\n\n')}\n`;
}

/** Of a work that was measured in parts, all but the newest have their day in the title. */
function titleOf(result: StoredResult, results: readonly StoredResult[]): string {
  const first = results.find(({ work }) => work === result.work);
  return result === first ? result.title : `${result.title}, ${result.measuredAt.slice(0, 10)}`;
}

function workSection(result: StoredResult, title: string): string {
  const parts = [
    `## ${title}`,
    `${machineText(result)}; ${settingsText(result)}; measured ${result.measuredAt.slice(0, 10)}.`,
    versionLines(result),
    ...KINDS[result.kind].drawn.map(
      (metric) =>
        `![${title}: ${metric.title}](${FIGURES_FROM_DOCS}/${result.stem}-${metric.name}.svg)`,
    ),
    ...(hasLoadShare(result) ? [CORRECTED] : []),
    ...result.cases.map((one) => caseSection(result, one, title)),
  ];
  const { warning } = result.settings.pinning;
  if (warning !== null) parts.splice(2, 0, `**Note:** ${warning}.`);
  return parts.join('\n\n');
}

function versionLines(result: WorkResult): string {
  const lines = result.peers.map(({ name, title, versions }) => {
    const facts = Object.entries(versions).map(([what, version]) => `${what} ${version}`);
    return `- \`${name}\`: ${[title, ...facts].join(', ')}`;
  });
  const skipped = result.skipped.map(({ peer, reason }) => `- \`${peer}\`: not here, ${reason}`);
  return [...lines, ...skipped].join('\n');
}

function caseSection(result: WorkResult, one: CaseResult, title: string): string {
  const notes = notesOf(result, one).map((note) => `- ${note}`);
  const parts = [`### ${title}: ${caseTitle(one.case)}`, markdownTable(withRatios(result, one))];
  if (notes.length > 0) parts.push(notes.join('\n'));
  return parts.join('\n\n');
}

/** The table of the terminal, with our ratio to every other server behind its row. */
function withRatios(result: WorkResult, one: CaseResult): string[][] {
  const subject = subjectOf(result) ?? '';
  const metric = KINDS[result.kind].columns[0]!;
  const timed = hasLoadShare(result);
  const [head, ...rows] = tableOf(result, one);
  const extended = rows.map((row) => {
    const name = row[0]!;
    const found = name === subject ? null : ratio(one, subject, name, metric.value);
    const corrected = name === subject ? null : correctedRatio(one, subject, name);
    const texts = [found, ...(timed ? [corrected] : [])];
    return [...row, ...texts.map((one) => (one === null ? '' : ratioText(one)))];
  });
  const heads = [`${subject}: ${metric.column}, times this`, ...(timed ? ['corrected'] : [])];
  return [[...head!, ...heads], ...extended];
}

function markdownTable(rows: readonly (readonly string[])[]): string {
  const [head, ...body] = rows;
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const rule = head!.map((_, column) => (column === 0 ? '---' : '---:'));
  return [line(head!), line(rule), ...body.map(line)].join('\n');
}

/** The servers that a reader knows; a column for each that was measured in one of the cases. */
const HEADLINE_PEERS: readonly (readonly [string, readonly string[]])[] = [
  ['C, epoll', ['c-epoll']],
  ['C, io_uring', ['c-io-uring']],
  ['Go, gnet v2', ['gnet-v2']],
  ['Node', ['node-net', 'node-dgram', 'node-http']],
  ['Bun', ['bun']],
  ['Redis, HAProxy', ['redis-server', 'haproxy']],
];

function headlineTable(results: readonly WorkResult[]): string {
  const headlines = headlinesOf(results);
  const columns = HEADLINE_PEERS.filter(([, names]) =>
    headlines.some((headline) => besideFigure(headline, names) !== ''),
  );
  // The machines of the days are named below the table.
  const days = headlines.map(({ result }) => result.measuredAt.slice(0, 10));
  const dated = new Set(days).size > 1;
  const titles = columns.map(([title]) => `beside ${title}`);
  const head = ['', 'gnet for TypeScript', ...titles, ...(dated ? ['measured'] : [])];
  const rows = headlines.map((headline, index) => [
    headline.title,
    ownFigure(headline),
    ...columns.map(([, names]) => besideFigure(headline, names)),
    ...(dated ? [days[index] as string] : []),
  ]);
  return markdownTable([head, ...rows]);
}

function ownFigure({ result, one, subject }: MeasuredHeadline): string {
  const metric = KINDS[result.kind].columns[0]!;
  const spread = spreadOf(one, subject, metric);
  return spread === null ? '-' : `${numberText(spread.median)} ${UNITS[result.kind]}`;
}

const UNITS = {
  requests: 'us CPU',
  connections: 'us CPU',
  memory: 'B',
  start: 'ms',
} as const;

/** What a bold figure says. */
const BOLD = 'Bold: we need more than they do, and the whole interval says so.';

function besideFigure(headline: MeasuredHeadline, names: readonly string[]): string {
  const { result, one, subject } = headline;
  const peer = result.peers.find(({ name }) => names.includes(name));
  if (peer === undefined) return '';
  const metric = KINDS[result.kind].columns[0]!;
  const found = ratio(one, subject, peer.name, metric.value);
  if (found === null) return '';
  return found.low > 1 ? `**${ratioText(found)}**` : ratioText(found);
}

export const README_BEGIN = '<!-- bench:begin -->';
export const README_END = '<!-- bench:end -->';

/** The README with its section between the markers written anew; null when it has no markers. */
export function withResults(readme: string, results: readonly WorkResult[]): string | null {
  const begin = readme.indexOf(README_BEGIN);
  const end = readme.indexOf(README_END);
  if (begin < 0 || end < begin) return null;
  const section = [
    GENERATED,
    'The first column is the CPU time of our server process per request. The others are ratios: ' +
      'ours divided by theirs, so below 1 we need less. Server and load have a core each, over ' +
      'loopback. Parentheses hold the 95 % interval. ' +
      BOLD,
    headlineTable(results),
    '![CPU time per request](bench/results/overview-cpu.svg)',
    `Measured ${occasionsText(headlinesOf(results))}. ` +
      'All tables, plots and versions: [results](docs/benchmark-results.md); how they are ' +
      'measured, and what they do not say: [benchmarks](docs/benchmarks.md).',
  ].join('\n\n');
  return `${readme.slice(0, begin + README_BEGIN.length)}\n${section}\n${readme.slice(end)}`;
}
