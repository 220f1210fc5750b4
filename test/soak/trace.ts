/** What a soak's process holds from beginning to end, and a picture of it: each line must be flat. */
import { readdirSync, writeFileSync } from 'node:fs';
import type { Held } from './contract.ts';

interface Sample {
  /** 0..1 of the work. */
  readonly done: number;
  readonly seconds: number;
  readonly held: readonly number[];
}

const kinds = ['resident MiB', 'descriptors', 'threads', 'timers'] as const;
const mebibyte = 1_024 * 1_024;
/** So many samples at most. */
const samplesMax = 200;
const savedEverySamples = 10;

/** Threads that the kernel makes for rings come and go as it likes. */
function threads(): number {
  return readdirSync('/proc/self/task').length;
}

function timers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
}

function ownState(): number[] {
  const resident = process.memoryUsage.rss() / mebibyte;
  return [resident, readdirSync('/proc/self/fd').length - 1, threads(), timers()];
}

/** Nobody can ask another process for its timers. */
function stateOf({ resident, descriptors, threads: count }: Held): number[] {
  return [resident / mebibyte, descriptors, count];
}

export class Trace {
  readonly #samples: Sample[] = [];
  readonly #began = performance.now();
  readonly #file: string;
  readonly #title: string;
  #next = 0;

  /** @param file of the numbers and the picture: `FILE.tsv` and `FILE.svg`. */
  constructor(file: string, title: string) {
    this.#file = file;
    this.#title = title;
  }

  /** Looks, unless it has just looked. A run that is broken off leaves what it had. */
  take(done: number, other?: Held): void {
    if (done < this.#next) return;
    this.#next = done + 1 / samplesMax;
    if (other === undefined) globalThis.gc?.();
    const held = other === undefined ? ownState() : stateOf(other);
    this.#samples.push({ done, seconds: (performance.now() - this.#began) / 1_000, held });
    if (this.#samples.length % savedEverySamples === 0) this.save();
  }

  save(): void {
    const lines = this.#samples.map(({ done, seconds, held }) =>
      [done.toFixed(4), seconds.toFixed(1), ...held.map((each) => each.toFixed(1))].join('\t'),
    );
    writeFileSync(
      `${this.#file}.tsv`,
      `${['done', 'seconds', ...kinds].join('\t')}\n${lines.join('\n')}\n`,
    );
    writeFileSync(`${this.#file}.svg`, drawing(this.#samples, this.#title));
  }
}

const width = 720;
const panelHeight = 70;
const left = 110;
const right = 70;
const top = 34;

function drawing(samples: readonly Sample[], title: string): string {
  const shown = kinds.slice(0, samples[0]?.held.length);
  const height = top + shown.length * panelHeight + 24;
  const panels = shown.map((kind, at) => panel(samples, kind, at)).join('');
  const last = samples.at(-1)?.seconds ?? 0;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12" fill="#57606a">
<rect width="${width}" height="${height}" fill="#ffffff"/>
<text x="16" y="20" font-size="14" fill="#1f2328">${title}</text>
${panels}<text x="${left}" y="${height - 8}">0 %</text>
<text x="${width - right}" y="${height - 8}" text-anchor="end">100 % after ${Math.round(last)} s</text>
</svg>
`;
}

/** From 0, so that what looks flat is flat. */
function panel(samples: readonly Sample[], kind: string, at: number): string {
  const values = samples.map(({ held }) => held[at] as number);
  const max = Math.max(1, ...values) * 1.15;
  const bottom = top + (at + 1) * panelHeight - 12;
  const x = (done: number): string =>
    (left + Math.min(1, done) * (width - left - right)).toFixed(1);
  const y = (value: number): string => (bottom - (value / max) * (panelHeight - 22)).toFixed(1);
  const points = samples.map(({ done }, index) => `${x(done)},${y(values[index] as number)}`);
  const end = values.at(-1) ?? 0;
  return `<text x="16" y="${bottom - 14}">${kind}</text>
<line x1="${left}" y1="${bottom}" x2="${width - right}" y2="${bottom}" stroke="#d0d7de"/>
<polyline fill="none" stroke="#0969da" stroke-width="1.5" points="${points.join(' ')}"/>
<text x="${width - right + 6}" y="${y(end)}" fill="#1f2328">${end >= 100 ? end.toFixed(0) : Number(end.toFixed(1))}</text>
`;
}
