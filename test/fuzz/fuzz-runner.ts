/** Runs the targets, from the corpus that is in the repository. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fuzz, type FuzzTarget } from '../../testing/coverage-fuzzer.ts';
import { Random } from 'gnet/testing';
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

/**
 * Each target until it has had so many inputs or so much time.
 * @param saves what reached something new goes to the corpus.
 */
export function runFuzz(
  seed: number,
  inputsMax: number,
  secondsMax: number,
  saves = false,
): FuzzSummary {
  const summary: FuzzSummary = { cases: 0, wrong: [], lines: [] };
  for (const target of fuzzTargets) {
    const end = performance.now() + secondsMax * 1_000;
    const isOver = (inputs: number): boolean => inputs >= inputsMax || performance.now() >= end;
    const run = fuzz(target, readCorpus(target), new Random(seed), isOver);
    summary.cases += run.inputs;
    summary.lines.push(`${target.name}: ${run.inputs} inputs, ${run.blocks} blocks reached`);
    for (const { input, error } of run.findings) {
      summary.wrong.push(`${target.name}, ${input.toString('base64')}: ${String(error)}`);
    }
    if (saves) writeFileSync(corpusFile(target), saved(target, run.corpus));
  }
  return summary;
}

function saved({ seeds }: FuzzTarget, corpus: readonly Buffer[]): string {
  const own = corpus.filter((input) => !seeds.some((seed) => seed.equals(input)));
  return own.map((input) => `${input.toString('base64')}\n`).join('');
}
