/** Runs the targets, from the corpus that is in the repository. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fuzz, type FuzzTarget, mutate } from '../../testing/coverage-fuzzer.ts';
import { Random } from 'gnet/testing';
import type { Judge } from './judge.ts';
import { judges } from './judges.ts';
import { fuzzTargets } from './targets.ts';

export interface FuzzSummary {
  cases: number;
  readonly wrong: string[];
  /** A line for each target: inputs, blocks reached. */
  readonly lines: string[];
}

/** A line of base64 for each input. */
function corpusFile({ name }: FuzzTarget): URL {
  return new URL(`corpus/${name}.txt`, import.meta.url);
}

function readCorpus(target: FuzzTarget): Buffer[] {
  const lines = readFileSync(corpusFile(target), 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => Buffer.from(line, 'base64'));
}

export interface FuzzPlan {
  readonly seed: number;
  /** Of each target, or so many seconds. */
  readonly inputs: number;
  readonly seconds: number;
  /** Names with commas between them; all without. */
  readonly targets?: string | undefined;
  /** What reached something new goes to the corpus. */
  readonly saves?: boolean;
}

/** Of streams beside another program, in all of the time. */
const besideShare = 20;

/** A run of a target whose name was misspelt would try nothing and find nothing wrong. */
function choice(
  { targets }: FuzzPlan,
  known: readonly { readonly name: string }[],
): (name: string) => boolean {
  const chosen = targets?.split(',');
  const names = known.map(({ name }) => name);
  const unknown = chosen?.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new Error(`--targets ${unknown}: there is no such target, only ${names.join(', ')}`);
  }
  return (name) => chosen?.includes(name) ?? true;
}

/** Each target until it has had so many inputs or so much time. */
export async function runFuzz(plan: FuzzPlan): Promise<FuzzSummary> {
  const summary: FuzzSummary = { cases: 0, wrong: [], lines: [] };
  const targets = await allTargets();
  const isChosen = choice(plan, [...targets, ...judges]);
  for (const target of targets.filter(({ name }) => isChosen(name))) {
    const end = performance.now() + plan.seconds * 1_000;
    const isOver = (inputs: number): boolean =>
      inputs * (target.cost ?? 1) >= plan.inputs || performance.now() >= end;
    const run = fuzz(target, readCorpus(target), new Random(plan.seed), isOver);
    summary.cases += run.inputs;
    summary.lines.push(`${target.name}: ${run.inputs} inputs, ${run.blocks} blocks reached`);
    for (const { input, error } of run.findings) {
      summary.wrong.push(`${target.name}, ${input.toString('base64')}: ${String(error)}`);
    }
    if (plan.saves) writeFileSync(corpusFile(target), saved(target, run.corpus));
  }
  for (const judge of judges.filter(({ name }) => isChosen(name)))
    await beside(judge, plan, summary);
  return summary;
}

/** Changed streams of the corpus, given to ours and to another program. */
async function beside(judge: Judge, plan: FuzzPlan, summary: FuzzSummary): Promise<void> {
  const target = fuzzTargets.find(({ name }) => name === judge.target) as FuzzTarget;
  const random = new Random(plan.seed);
  const sources = [...target.seeds, ...readCorpus(target)];
  const open = await judge.open();
  if (open === null) {
    summary.lines.push(`${judge.name}: it is not installed`);
    return;
  }
  const end = performance.now() + plan.seconds * 1_000;
  let inputs = 0;
  let judged = 0;
  try {
    while (inputs * besideShare < plan.inputs && performance.now() < end) {
      const source = sources[random.below(sources.length)] as Buffer;
      const input = inputs < sources.length ? sources[inputs] : mutate(source, random, target);
      const wrong = await open.judge(input as Buffer);
      inputs++;
      if (wrong !== null) judged++;
      if (wrong) summary.wrong.push(`${judge.name}, seed ${plan.seed}: ${wrong}`);
    }
  } finally {
    await open.close();
  }
  summary.cases += judged;
  summary.lines.push(`${judge.name}: ${judged} inputs`);
}

/** Those with OpenSSL only where it can be called. */
async function allTargets(): Promise<readonly FuzzTarget[]> {
  const { loadEngine } = await import('../../src/connection/tls/load-engine.ts');
  if ((await loadEngine()).about.engine === 'node:tls') return fuzzTargets;
  const { tlsRecordTarget } = await import('./tls-target.ts');
  return [...fuzzTargets, tlsRecordTarget];
}

function saved({ seeds }: FuzzTarget, corpus: readonly Buffer[]): string {
  const own = corpus.filter((input) => !seeds.some((seed) => seed.equals(input)));
  return own.map((input) => `${input.toString('base64')}\n`).join('');
}
