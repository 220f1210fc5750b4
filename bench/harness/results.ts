/** What is stored of a benchmark: raw values of every round, and what follows from them. */

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Case } from './load.ts';
import type { Machine } from './machine.ts';
import type { Kind, Metric, Sample } from './metrics.ts';
import type { Pinning } from './pinning.ts';
import { bootstrapMedian, type Interval, type Spread, spread } from './statistics.ts';

export const RESULTS_FOLDER = fileURLToPath(new URL('../results/', import.meta.url));
/** Of the stored JSON; raised when its fields change their meaning. */
export const SCHEMA = 3;

export interface Failure {
  readonly peer: string;
  readonly round: number;
  readonly reason: string;
}

export interface CaseResult {
  readonly case: Case;
  /** Where they are not those of the whole result. */
  readonly settings?: Settings;
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
  /** Rounds that the same processes are measured in; 1 when left out. */
  readonly roundsPerStart?: number;
  /** Length of a measured window. */
  readonly seconds: number;
  /** Load on a fresh server, shared by the cases. */
  readonly warmupSeconds: number;
  /** Load of the same case right before a window. */
  readonly settleSeconds: number;
  readonly pinning: Pinning;
}

export interface WorkResult {
  readonly schema: number;
  readonly work: string;
  readonly title: string;
  readonly kind: Kind;
  /** The load generator. */
  readonly load: string;
  /** ISO 8601. */
  readonly measuredAt: string;
  readonly machine: Machine;
  readonly settings: Settings;
  readonly peers: readonly PeerFacts[];
  readonly skipped: readonly { readonly peer: string; readonly reason: string }[];
  readonly cases: readonly CaseResult[];
}

/** Above this share of its core the load generator, not the server, may set the pace. */
export const LOAD_SATURATION = 0.95;

export interface Utilisation {
  /** The share of one core that the load generator used, 0 to 1. */
  readonly load: Spread;
  /** The load was at its own limit: throughput and latency say more about it than the server. */
  readonly saturated: boolean;
  /** Datagrams, in all rounds. */
  readonly lost: number;
}

function samplesOf(result: CaseResult, peer: string): Sample[] {
  return result.samples.filter((sample) => sample.peer === peer);
}

/** A metric over the rounds of a peer; null when no round tells. */
export function spreadOf(result: CaseResult, peer: string, metric: Metric): Spread | null {
  const values = samplesOf(result, peer).map((sample) => metric.value(sample));
  const told = values.filter((value) => value !== null);
  return told.length === 0 ? null : spread(told);
}

/** Null when the peer has no sample in this case: every round failed. */
export function utilisation(result: CaseResult, peer: string): Utilisation | null {
  const samples = samplesOf(result, peer);
  if (samples.length === 0) return null;
  const load = spread(samples.map((sample) => sample.loadCpuSeconds / sample.seconds));
  const lost = samples.reduce((sum, sample) => sum + sample.lost, 0);
  return { load, saturated: load.median > LOAD_SATURATION, lost };
}

/**
 * A value of `subject` divided by that of `baseline`, paired by round: what slows the machine
 * down for a while slows both, and falls out. Null when no round has both.
 */
export function ratio(
  result: CaseResult,
  subject: string,
  baseline: string,
  value: (sample: Sample) => number | null,
): Interval | null {
  const pairs = pairsOf(result, subject, baseline, value).filter(([, theirs]) => theirs > 0);
  return pairs.length === 0 ? null : bootstrapMedian(pairs.map(([ours, theirs]) => ours / theirs));
}

/** Two windows with the load at such different shares of its core are not of one kind. */
const SHARES_APART_MAX = 0.15;
/** With fewer pairs of rounds there is no interval to speak of. */
const CORRECTED_PAIRS_MIN = 3;

/**
 * The ratio of the servers' CPU times per request, each divided by that of the load. The load does the
 * same for every request, so its own cost tells how fast the machine was in that window, and falls out.
 * That holds while the load works alike: one that idles between answers pays for its wake-ups, and one
 * that gets several answers as one pays less for each. Null when too few rounds are of that kind, or
 * the load is not timed.
 */
export function correctedRatio(
  result: CaseResult,
  subject: string,
  baseline: string,
): Interval | null {
  const share = (sample: Sample): number => sample.loadCpuSeconds / sample.seconds;
  const beside = (sample: Sample): number => sample.serverCpuSeconds / sample.loadCpuSeconds;
  const ratios = samplesOf(result, subject).flatMap((ours) => {
    const theirs = result.samples.find((s) => s.peer === baseline && s.round === ours.round);
    if (theirs === undefined || !(share(ours) > 0 && share(theirs) > 0)) return [];
    const alike = Math.abs(share(ours) - share(theirs)) <= SHARES_APART_MAX;
    const comparable = alike && ours.loadVaries === undefined;
    return comparable && theirs.serverCpuSeconds > 0 ? [beside(ours) / beside(theirs)] : [];
  });
  return ratios.length < CORRECTED_PAIRS_MIN ? null : bootstrapMedian(ratios);
}

/** As `ratio`, for what `subject` has more than `baseline`. */
export function difference(
  result: CaseResult,
  subject: string,
  baseline: string,
  value: (sample: Sample) => number | null,
): Interval | null {
  const pairs = pairsOf(result, subject, baseline, value);
  return pairs.length === 0 ? null : bootstrapMedian(pairs.map(([ours, theirs]) => ours - theirs));
}

/** Values of both in the rounds that have both. */
function pairsOf(
  result: CaseResult,
  subject: string,
  baseline: string,
  value: (sample: Sample) => number | null,
): [number, number][] {
  return samplesOf(result, subject).flatMap((sample): [number, number][] => {
    const other = result.samples.find((s) => s.peer === baseline && s.round === sample.round);
    const ours = value(sample);
    const theirs = other === undefined ? null : value(other);
    return ours === null || theirs === null ? [] : [[ours, theirs]];
  });
}

/** The newest results of a work have its name alone; see `update.ts`. */
export function fileOf(work: string, part = ''): string {
  return part === '' ? `${work}.json` : `${work}.${part}.json`;
}

/** Writes `<folder>/<work>.json` and returns its path. */
export function store(result: WorkResult, folder: string): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, fileOf(result.work));
  writeFileSync(path, `${JSON.stringify(result, null, 1)}\n`);
  return path;
}

/** As it was stored. */
export interface StoredResult extends WorkResult {
  /** Its file without the extension, which its figures begin with. */
  readonly stem: string;
}

/** Every stored result of a folder, by name; throws when there is none or of another schema. */
export function readStored(folder: string): StoredResult[] {
  const files = existsSync(folder) ? readdirSync(folder).filter((f) => f.endsWith('.json')) : [];
  if (files.length === 0) throw new Error(`no results are stored in ${folder}: measure first`);
  return files.sort().map((file) => {
    const result = JSON.parse(readFileSync(join(folder, file), 'utf8')) as WorkResult;
    if (result.schema !== SCHEMA) {
      throw new Error(`${file} has schema ${result.schema}, not ${SCHEMA}: measure it again`);
    }
    return { ...result, stem: basename(file, '.json') };
  });
}
