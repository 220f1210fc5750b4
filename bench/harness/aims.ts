/** What the project wants to reach, held against stored results: one line for each aim. */

import type { Case } from './load.ts';
import { cpuUsPerRequest, requestsPerSecond } from './metrics.ts';
import { SUBJECT } from './peer.ts';
import { type CaseResult, correctedRatio, difference, ratio, type WorkResult } from './results.ts';
import type { Interval } from './statistics.ts';
import { caseTitle, ratioText } from './table.ts';

interface Aim {
  readonly work: string;
  readonly peer: string;
  /** Whose figures they are, where it is not the framework alone. */
  readonly subject?: string;
  readonly matches: Partial<Case>;
  /** Of the CPU time per request, ours divided by theirs. */
  readonly cpuAtMost?: number;
  /** Of the throughput, ours divided by theirs. */
  readonly paceAtLeast?: number;
  /** Microseconds of CPU per request that ours may have more than theirs. */
  readonly addedUsAtMost?: number;
}

const ECHO: Partial<Case> = { size: 64, connections: 100 };
const PLAIN: Partial<Case> = { pipeline: 1 };
const PIPELINED: Partial<Case> = { pipeline: 16 };

const AIMS: readonly Aim[] = [
  { work: 'tcp-echo', peer: 'gnet-v2', matches: ECHO, cpuAtMost: 0.8 },
  { work: 'tcp-echo', peer: 'c-epoll', matches: ECHO, cpuAtMost: 1.03 },
  { work: 'unix-echo', peer: 'node-net', matches: { size: 64, connections: 50 }, cpuAtMost: 0.45 },
  { work: 'udp-echo', peer: 'node-dgram', matches: { size: 64, pipeline: 8 }, cpuAtMost: 0.5 },
  { work: 'udp-echo', peer: 'c-epoll', matches: { size: 64, pipeline: 8 }, cpuAtMost: 1.05 },
  { work: 'udp-burst', peer: 'gnet-no-offload', matches: {}, cpuAtMost: 0.35 },
  { work: 'udp-burst', peer: 'node-dgram', matches: {}, cpuAtMost: 0.25 },
  { work: 'length-field-echo', peer: 'gnet-plain', matches: {}, addedUsAtMost: 0.1 },
  { work: 'http-plaintext', peer: 'node-http', matches: PLAIN, cpuAtMost: 0.55 },
  { work: 'http-plaintext', peer: 'bun-fetch', matches: PLAIN, cpuAtMost: 0.9 },
  { work: 'http-plaintext', peer: 'bun', matches: PLAIN, cpuAtMost: 0.9 },
  { work: 'http-plaintext', peer: 'node-http', matches: PIPELINED, paceAtLeast: 12 },
  { work: 'http-plaintext', peer: 'bun-fetch', matches: PIPELINED, paceAtLeast: 8 },
  { work: 'http-plaintext', peer: 'bun', matches: PIPELINED, paceAtLeast: 8 },
  { work: 'http-plaintext', peer: 'gnet-v2-example', matches: PIPELINED, cpuAtMost: 0.8 },
  { work: 'http-plaintext', peer: 'gnet-v2', matches: PIPELINED, cpuAtMost: 0.8 },
  ...(
    [
      ['tcp-echo', 0.75, ECHO],
      ['http-plaintext', 0.85, PLAIN],
      ['fastify-json', 0.9, {}],
      ['http-body', 0.9, {}],
      ['http-upload', 0.9, {}],
      ['http-body-large', 0.9, {}],
      ['http-upload-large', 0.9, {}],
      ['websocket-package', 0.75, {}],
    ] as const
  ).map(([work, cpuAtMost, matches]) => ({
    work,
    subject: 'packages-gnet',
    peer: 'packages-node',
    matches,
    cpuAtMost,
  })),
  {
    work: 'express-2-loops',
    subject: 'packages-gnet',
    peer: 'packages-gnet-1-loop',
    matches: {},
    paceAtLeast: 1.8,
  },
  { work: 'resp', peer: 'redis-server', matches: PLAIN, cpuAtMost: 0.9 },
  { work: 'resp', peer: 'redis-server', matches: PIPELINED, cpuAtMost: 1 },
  { work: 'tcp-proxy', peer: 'haproxy', matches: {}, cpuAtMost: 1 },
];

export function aimLines(results: readonly WorkResult[]): string[] {
  return AIMS.flatMap((aim) => {
    const parts = results.filter(({ work }) => work === aim.work);
    return parts.flatMap(({ title, cases }) =>
      cases.flatMap((one) => {
        const line = matches(one.case, aim.matches) ? lineOf(aim, one) : null;
        return line === null ? [] : [`${title}, ${caseTitle(one.case)}: ${line}`];
      }),
    );
  });
}

function matches(one: Case, wanted: Partial<Case>): boolean {
  return Object.entries(wanted).every(([key, value]) => one[key as keyof Case] === value);
}

function lineOf(aimed: Aim, one: CaseResult) {
  const { peer, subject = SUBJECT, cpuAtMost, paceAtLeast, addedUsAtMost } = aimed;
  if (cpuAtMost !== undefined) {
    const found = ratio(one, subject, peer, cpuUsPerRequest);
    const aim = `CPU at most ${cpuAtMost.toFixed(2)}x of ${peer}`;
    const corrected = correctedRatio(one, subject, peer);
    const also = corrected === null ? '' : `, corrected ${ratioText(corrected)}`;
    return found && `${word(found.median <= cpuAtMost)} ${aim}: ${ratioText(found)}${also}`;
  }
  if (paceAtLeast !== undefined) {
    const found = ratio(one, subject, peer, requestsPerSecond);
    const aim = `throughput at least ${paceAtLeast}x of ${peer}`;
    return found && `${word(found.median >= paceAtLeast)} ${aim}: ${ratioText(found)}`;
  }
  const most = addedUsAtMost ?? 0;
  const found = difference(one, subject, peer, cpuUsPerRequest);
  const aim = `at most ${most} us of CPU more than ${peer}`;
  return found && `${word(found.median <= most)} ${aim}: ${microsecondsText(found)}`;
}

function word(reached: boolean): string {
  return reached ? 'reached:' : 'MISSED: ';
}

export function microsecondsText({ median, low, high }: Interval): string {
  return `${median.toFixed(3)} us (${low.toFixed(3)} to ${high.toFixed(3)})`;
}
