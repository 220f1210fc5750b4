/** Metrics of the program's own, behind those of gnet in one text: what they may be called. */
import { ErrInvalidOption } from '../index.ts';

export type Labels = Readonly<Record<string, string>>;

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
  readonly value: number | readonly MetricSample[];
}

/** A value of a metric of the program's own. */
export interface MetricSample {
  readonly labels: Labels;
  readonly value: number;
}

const namePattern = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const labelPattern = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** Names of a family's samples, and its own: `a_total` as a gauge would be a sample of the counter `a`. */
export function namesOf(name: string, type: string): readonly string[] {
  if (type === 'counter') return [name, `${name}_total`, `${name}_created`];
  if (type === 'info') return [name, `${name}_info`];
  if (type !== 'histogram') return [name];
  return [name, ...['_bucket', '_sum', '_count', '_created'].map((end) => `${name}${end}`)];
}

export function refuse(name: unknown, why: string): never {
  throw new ErrInvalidOption(`cannot write the metric ${JSON.stringify(name)}: ${why}`);
}

/** @throws ErrInvalidOption */
export function checkFamily(family: MetricFamily, taken: ReadonlySet<string>): void {
  if (typeof family !== 'object' || family === null) refuse(family, 'give an object');
  const { name, type, unit, help, value } = family;
  if (typeof name !== 'string' || !namePattern.test(name)) {
    refuse(name, 'a name has letters, digits and _, and no digit in front');
  }
  if (type !== 'counter' && type !== 'gauge') refuse(name, "its type must be 'counter' or 'gauge'");
  if (type === 'counter' && name.endsWith('_total')) {
    refuse(name, 'leave out _total, which is added');
  }
  if (namesOf(name, type).some((one) => taken.has(one))) {
    refuse(name, 'the text has a metric of that name already');
  }
  if (typeof help !== 'string') refuse(name, 'give help, a sentence that says what it counts');
  if (unit === '' || (unit !== undefined && !name.endsWith(`_${unit}`))) {
    refuse(name, unit === '' ? 'leave out an empty unit' : `it must end with _${unit}`);
  }
  if (typeof value !== 'number' && !Array.isArray(value)) {
    refuse(name, 'give a number as value, or a list with one for each set of labels');
  }
}

/** @throws ErrInvalidOption */
export function checkSample({ name, type }: MetricFamily, sample: MetricSample): void {
  const { labels, value } = sample ?? {};
  if (typeof labels !== 'object' || labels === null) refuse(name, 'give labels with each value');
  for (const [label, text] of Object.entries(labels)) {
    if (!labelPattern.test(label)) {
      const wanted = 'must have letters, digits and _, and no digit in front';
      refuse(name, `its label ${JSON.stringify(label)} ${wanted}`);
    }
    if (typeof text !== 'string') refuse(name, `its label ${label} is no text, but ${typeof text}`);
  }
  if (typeof value !== 'number' || (type === 'counter' && !(value >= 0))) {
    const wanted = type === 'counter' ? 'a number that is not negative' : 'a number';
    refuse(name, `${String(value)} is no value of a ${type}; give ${wanted}`);
  }
}
