/** The cases that stand for all others where there is room for a few. */

import type { Case } from './load.ts';
import { SUBJECT } from './peer.ts';
import type { CaseResult, WorkResult } from './results.ts';
import { machineText } from './table.ts';

interface Headline {
  readonly title: string;
  readonly work: string;
  /** Whose figures they are, where it is not the framework with the driver that it chooses. */
  readonly subject?: string;
  readonly case: Case;
}

const HEADLINES: readonly Headline[] = [
  {
    title: 'TCP echo, 64 B, 1 connection',
    work: 'tcp-echo',
    case: { size: 64, connections: 1, pipeline: 1 },
  },
  {
    title: 'TCP echo, 64 B, 100 connections',
    work: 'tcp-echo',
    case: { size: 64, connections: 100, pipeline: 1 },
  },
  {
    title: 'TCP echo, 64 B, 1,000 connections',
    work: 'tcp-echo',
    case: { size: 64, connections: 1000, pipeline: 1 },
  },
  {
    title: 'TCP echo, 64 B, a tenth of the load',
    work: 'tcp-echo-paced',
    case: { size: 64, connections: 100, pipeline: 1 },
  },
  {
    title: 'TCP echo, 64 KiB, 100 connections',
    work: 'tcp-echo',
    case: { size: 65_536, connections: 100, pipeline: 1 },
  },
  {
    title: 'TCP echo, 1 MiB, 100 connections',
    work: 'tcp-echo',
    case: { size: 1_048_576, connections: 100, pipeline: 1 },
  },
  {
    title: 'TCP echo, 1 MiB, 100 connections, our io_uring',
    work: 'tcp-echo',
    subject: 'gnet-io-uring',
    case: { size: 1_048_576, connections: 100, pipeline: 1 },
  },
  {
    title: 'Unix echo, 64 B, 50 connections',
    work: 'unix-echo',
    case: { size: 64, connections: 50, pipeline: 1 },
  },
  {
    title: 'UDP echo, 64 B, 16 sockets x 8',
    work: 'udp-echo',
    case: { size: 64, connections: 16, pipeline: 8 },
  },
  {
    title: 'HTTP plaintext, 64 connections',
    work: 'http-plaintext',
    case: { size: 0, connections: 64, pipeline: 1 },
  },
  {
    title: 'HTTP plaintext, pipelined x16',
    work: 'http-plaintext',
    case: { size: 0, connections: 64, pipeline: 16 },
  },
  {
    title: 'Redis GET, 50 connections',
    work: 'resp',
    case: { size: 0, connections: 50, pipeline: 1, command: 'GET' },
  },
  {
    title: 'Redis GET, pipelined x16',
    work: 'resp',
    case: { size: 0, connections: 50, pipeline: 16, command: 'GET' },
  },
  {
    title: 'TCP proxy, 64 B, 100 connections',
    work: 'tcp-proxy',
    case: { size: 64, connections: 100, pipeline: 1 },
  },
  {
    title: 'TCP proxy, 1 MiB, 100 connections',
    work: 'tcp-proxy',
    case: { size: 1_048_576, connections: 100, pipeline: 1 },
  },
  {
    title: 'Connect, one message, close',
    work: 'connection-rate',
    case: { size: 64, connections: 64, pipeline: 1 },
  },
  {
    title: 'Memory per idle connection',
    work: 'idle-memory',
    case: { size: 64, connections: 18_000, pipeline: 1 },
  },
  {
    title: 'From start to first echo',
    work: 'start-up',
    case: { size: 64, connections: 1, pipeline: 1 },
  },
];

export interface MeasuredHeadline {
  readonly title: string;
  readonly subject: string;
  readonly result: WorkResult;
  readonly one: CaseResult;
}

/** Those that were measured. */
export function headlinesOf(results: readonly WorkResult[]): MeasuredHeadline[] {
  return HEADLINES.flatMap(({ title, work, subject = SUBJECT, case: wanted }) => {
    const found = results
      .filter((result) => result.work === work)
      .flatMap((result) => result.cases.map((one) => ({ title, subject, result, one })))
      .find(({ one }) => sameCase(one.case, wanted));
    return found === undefined ? [] : [found];
  });
}

/** When and where they were measured; more than one line's worth where not all of it was at once. */
export function occasionsText(headlines: readonly MeasuredHeadline[]): string {
  const occasions = headlines.map(
    ({ result }) => `${result.measuredAt.slice(0, 10)} on ${machineText(result)}`,
  );
  const distinct = [...new Set(occasions)].sort().reverse();
  if (distinct.length < 2) return distinct.join();
  return distinct
    .map((occasion) => {
      const titles = headlines.filter((_, index) => occasions[index] === occasion);
      return `${occasion} (${titles.length} of ${headlines.length} lines)`;
    })
    .join('; ');
}

function sameCase(a: Case, b: Case): boolean {
  return (
    a.size === b.size &&
    a.connections === b.connections &&
    a.pipeline === b.pipeline &&
    a.command === b.command
  );
}
