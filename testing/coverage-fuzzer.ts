/**
 * A small coverage-guided fuzzer: inputs that reach what none reached before are kept and changed
 * further. V8 counts the blocks itself, so nothing is instrumented. Looking costs up to 100 milliseconds:
 * so many inputs share a look, more and more while it shows nothing new. Only where it shows something
 * each of them is looked at again.
 */
import { Session } from 'node:inspector';
import type { Random } from 'gnet/testing';

export interface FuzzTarget {
  readonly name: string;
  /** What valid input looks like. */
  readonly seeds: readonly Buffer[];
  /** Words that random bytes would not find. */
  readonly words: readonly string[];
  /** How many times as long as another one it takes: it gets fewer inputs. */
  readonly cost?: number;
  /** @throws when something is wrong. */
  run(input: Buffer): void;
}

export interface Finding {
  readonly input: Buffer;
  readonly error: unknown;
}

const inputsPerLookMin = 1_024;
const inputsPerLookMax = 131_072;
const inputBytesMax = 600;

interface ScriptCoverage {
  readonly url: string;
  readonly functions: readonly {
    readonly ranges: readonly { startOffset: number; endOffset: number; count: number }[];
  }[];
}

/** Which blocks of ours ran. */
class Coverage {
  readonly #session = new Session();
  readonly seen = new Set<string>();

  constructor() {
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
    this.take();
  }

  /** Those that ran since the last call. */
  take(): readonly string[] {
    const ran: string[] = [];
    this.#session.post('Profiler.takePreciseCoverage', (error, taken) => {
      if (error !== null) throw error;
      const { result } = taken as { result: readonly ScriptCoverage[] };
      for (const { url, functions } of result) {
        if (!url.includes('/src/') && !url.includes('/examples/')) continue;
        for (const { ranges } of functions) {
          for (const { startOffset, endOffset, count } of ranges) {
            if (count > 0) ran.push(`${url}:${startOffset}:${endOffset}`);
          }
        }
      }
    });
    return ran;
  }

  /** Of those the ones that never ran before. */
  takeFresh(): ReadonlySet<string> {
    const fresh = new Set(this.take().filter((block) => !this.seen.has(block)));
    for (const block of fresh) this.seen.add(block);
    return fresh;
  }

  close(): void {
    this.#session.post('Profiler.stopPreciseCoverage');
    this.#session.disconnect();
  }
}

/** Numbers that lengths and bytes go wrong at. */
const edges = [0, 1, 0x0a, 0x0d, 0x20, 0x7f, 0x80, 0xff] as const;

export function mutate(input: Buffer, random: Random, target: FuzzTarget): Buffer {
  let bytes: Buffer = Buffer.from(input);
  for (let count = random.between(1, 4); count > 0; count--) {
    const at = random.below(bytes.length + 1);
    const end = Math.min(bytes.length, at + random.between(1, 12));
    switch (random.below(7)) {
      case 0:
        if (at < bytes.length) bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
        break;
      case 1:
        if (at < bytes.length) bytes[at] = edges[random.below(edges.length)] as number;
        break;
      case 2:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)]);
        break;
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)]);
        break;
      case 4:
        bytes = spliced(bytes, at, random.bytes(random.between(1, 4)));
        break;
      case 5: {
        const word = target.words[random.below(target.words.length)] ?? '';
        bytes = spliced(bytes, at, Buffer.from(word, 'latin1'));
        break;
      }
      default: {
        const other = target.seeds[random.below(target.seeds.length)] as Buffer;
        bytes = Buffer.concat([bytes.subarray(0, at), other.subarray(random.below(other.length))]);
      }
    }
  }
  return bytes.subarray(0, inputBytesMax);
}

function spliced(bytes: Buffer, at: number, piece: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)]);
}

export interface FuzzRun {
  inputs: number;
  blocks: number;
  /** Inputs that reached something, in the order in which they were found; the seeds first. */
  readonly corpus: Buffer[];
  readonly findings: Finding[];
}

/** Until `isOver`, which is asked after some inputs, or something is found. */
export function fuzz(
  target: FuzzTarget,
  corpus: readonly Buffer[],
  random: Random,
  isOver: (inputs: number) => boolean,
): FuzzRun {
  const depth = Error.stackTraceLimit;
  // Most inputs end in an error, and looking where it was thrown takes longer than all the rest.
  Error.stackTraceLimit = 0;
  try {
    return fuzzed(target, corpus, random, isOver);
  } finally {
    Error.stackTraceLimit = depth;
  }
}

function fuzzed(
  target: FuzzTarget,
  corpus: readonly Buffer[],
  random: Random,
  isOver: (inputs: number) => boolean,
): FuzzRun {
  const coverage = new Coverage();
  const run: FuzzRun = { inputs: 0, blocks: 0, corpus: [], findings: [] };
  const tries = (input: Buffer): void => {
    run.inputs++;
    try {
      target.run(input);
    } catch (error) {
      run.findings.push({ input, error });
    }
  };
  /** Those of the inputs that reach these blocks, found by halves. */
  const keep = (inputs: readonly Buffer[], blocks: ReadonlySet<string>): void => {
    if (blocks.size === 0) return;
    if (inputs.length === 1) {
      run.corpus.push(inputs[0] as Buffer);
      return;
    }
    const half = inputs.slice(0, inputs.length >> 1);
    for (const input of half) tries(input);
    const ran = new Set(coverage.take());
    keep(half, new Set([...blocks].filter((block) => ran.has(block))));
    const left = new Set([...blocks].filter((block) => !ran.has(block)));
    keep(inputs.slice(half.length), left);
  };
  const first = [...target.seeds, ...corpus];
  for (const input of first) tries(input);
  coverage.takeFresh();
  run.corpus.push(...first);
  const cost = target.cost ?? 1;
  let perLook = inputsPerLookMin;
  while (run.findings.length === 0 && !isOver(run.inputs)) {
    const inputs = Array.from({ length: Math.ceil(perLook / cost) }, () => {
      const from = run.corpus[random.below(run.corpus.length)] as Buffer;
      return mutate(from, random, target);
    });
    for (const input of inputs) tries(input);
    const fresh = coverage.takeFresh();
    perLook = fresh.size > 0 ? inputsPerLookMin : Math.min(2 * perLook, inputsPerLookMax);
    keep(inputs, fresh);
  }
  run.blocks = coverage.seen.size;
  coverage.close();
  return run;
}
