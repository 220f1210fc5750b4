/** What is stored of a benchmark: raw values of every round, and what follows from them. */

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Case, LoadResult } from './load.ts';
import type { Machine } from './machine.ts';
import type { Pinning } from './pinning.ts';
import { bootstrapMedian, type Interval, type Spread, spread } from './statistics.ts';

export const RESULTS_FOLDER = fileURLToPath(new URL('../results/', import.meta.url));
/** Of the stored JSON; raised when its fields change their meaning. */
export const SCHEMA = 1;

/** One round of one peer in one case. */
export interface Sample extends LoadResult {
  readonly peer: string;
  readonly round: number;
  readonly peakMemoryBytes: number | null;
}

export interface Failure {
  readonly peer: string;
  readonly round: number;
  readonly reason: string;
}

export interface CaseResult {
  readonly case: Case;
  readonly samples: readonly Sample[];
  readonly failures: readonly Failure[];
}

export interface PeerFacts {
  readonly name: string;
  readonly title: string;
  readonly versions: Readonly<Record<string, string>>;
}

export interface Settings {
  readonly rounds: number;
  readonly seconds: number;
  readonly warmupSeconds: number;
  readonly pinning: Pinning;
}

export interface WorkResult {
  readonly schema: number;
  readonly work: string;
  readonly title: string;
  /** ISO 8601. */
  readonly measuredAt: string;
  readonly machine: Machine;
  readonly settings: Settings;
  readonly peers: readonly PeerFacts[];
  readonly skipped: readonly { readonly peer: string; readonly reason: string }[];
  readonly cases: readonly CaseResult[];
}

/** What a reader compares: one peer in one case. */
export interface Summary {
  readonly cpuUsPerRequest: Spread;
  readonly cpuUsPerKiB: Spread;
  readonly requestsPerSecond: Spread;
  readonly mebibytesPerSecond: Spread;
  readonly p50Us: Spread;
  readonly p99Us: Spread;
  readonly p999Us: Spread;
  /** Null where the system does not tell. */
  readonly peakMemoryBytes: number | null;
  /** The share of one core that the load generator used, 0 to 1. */
  readonly loadUtilisation: Spread;
  /** The load was at its own limit: throughput and latency say more about it than the server. */
  readonly loadSaturated: boolean;
  readonly lost: number;
}

/** Above this share of its core the load generator, not the server, may set the pace. */
export const LOAD_SATURATION = 0.95;

export function cpuUsPerRequest(sample: Sample): number {
  return (sample.serverCpuSeconds * 1e6) / sample.requests;
}

export function requestsPerSecond(sample: Sample): number {
  return sample.requests / sample.seconds;
}

/** Null when the peer has no sample in this case: every round failed. */
export function summarise(result: CaseResult, peer: string): Summary | null {
  const samples = result.samples.filter((sample) => sample.peer === peer);
  if (samples.length === 0) return null;
  const of = (value: (sample: Sample) => number) => spread(samples.map(value));
  const loadUtilisation = of((sample) => sample.loadCpuSeconds / sample.seconds);
  const memory = samples.map((sample) => sample.peakMemoryBytes).filter((bytes) => bytes !== null);
  return {
    cpuUsPerRequest: of(cpuUsPerRequest),
    cpuUsPerKiB: of((sample) => (sample.serverCpuSeconds * 1e6) / (sample.bytes / 1024)),
    requestsPerSecond: of(requestsPerSecond),
    mebibytesPerSecond: of((sample) => sample.bytes / sample.seconds / 2 ** 20),
    p50Us: of((sample) => sample.latencyUs.p50),
    p99Us: of((sample) => sample.latencyUs.p99),
    p999Us: of((sample) => sample.latencyUs.p999),
    peakMemoryBytes: memory.length > 0 ? spread(memory).median : null,
    loadUtilisation,
    loadSaturated: loadUtilisation.median > LOAD_SATURATION,
    lost: samples.reduce((sum, sample) => sum + sample.lost, 0),
  };
}

/**
 * A value of `subject` divided by that of `baseline`, paired by round: what slows the machine
 * down for a while slows both, and falls out. Null when no round has both.
 */
export function ratio(
  result: CaseResult,
  subject: string,
  baseline: string,
  value: (sample: Sample) => number,
): Interval | null {
  const ratios: number[] = [];
  for (const sample of result.samples) {
    if (sample.peer !== subject) continue;
    const other = result.samples.find((s) => s.peer === baseline && s.round === sample.round);
    if (other !== undefined) ratios.push(value(sample) / value(other));
  }
  return ratios.length === 0 ? null : bootstrapMedian(ratios);
}

/** Writes `<folder>/<work>.json` and returns its path. */
export function store(result: WorkResult, folder: string): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${result.work}.json`);
  writeFileSync(path, `${JSON.stringify(result, null, 1)}\n`);
  return path;
}

/** Every stored result of a folder, by name; throws when there is none or of another schema. */
export function readStored(folder: string): WorkResult[] {
  const files = existsSync(folder) ? readdirSync(folder).filter((f) => f.endsWith('.json')) : [];
  if (files.length === 0) throw new Error(`no results are stored in ${folder}: measure first`);
  return files.sort().map((file) => {
    const result = JSON.parse(readFileSync(join(folder, file), 'utf8')) as WorkResult;
    if (result.schema !== SCHEMA) {
      throw new Error(`${file} has schema ${result.schema}, not ${SCHEMA}: measure it again`);
    }
    return result;
  });
}
