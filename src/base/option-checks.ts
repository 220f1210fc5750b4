import { ErrInvalidOption } from './errors.ts';
import { textOf } from './thrown.ts';

/** Checks the value that was given for the option `name` and returns it as its type. */
export type OptionCheck<Value> = (name: string, value: unknown) => Value;

/** Two to the power of 31, less one: the greatest `int` of the kernel, and 24 days in ms. */
export const int32Max = 2 ** 31 - 1;

/**
 * The error for a value that cannot be used.
 * @param wanted what would do, as in `a whole number from 1 to 65535 (bytes)`.
 */
export function invalidOption(name: string, value: unknown, wanted: string): ErrInvalidOption {
  return new ErrInvalidOption(`cannot use ${describe(value)} as option ${name}: give ${wanted}`);
}

export const asBoolean: OptionCheck<boolean> = (name, value) => {
  if (typeof value === 'boolean') return value;
  throw invalidOption(name, value, 'true or false');
};

/** A whole number within a range; `unit` stands in the message. */
export function wholeNumber(min: number, max: number, unit: string): OptionCheck<number> {
  return (name, value) => {
    if (Number.isSafeInteger(value) && isWithin(value, min, max)) return value as number;
    throw invalidOption(name, value, `a whole number from ${min} to ${max} (${unit})`);
  };
}

/** A count from 1 on, or `Infinity` for no limit. */
export function limit(unit: string): OptionCheck<number> {
  return (name, value) => {
    if (value === Infinity) return Infinity;
    if (Number.isSafeInteger(value) && isWithin(value, 1, Infinity)) return value as number;
    throw invalidOption(name, value, `a whole number from 1 on, or Infinity (${unit})`);
  };
}

/** Milliseconds from 0 (off) on; parts of one are rounded up, so that a little is never off. */
export function milliseconds(max: number): OptionCheck<number> {
  return (name, value) => {
    if (isWithin(value, 0, max)) return Math.ceil(value as number);
    throw invalidOption(name, value, `0 (off) or a number up to ${max} (milliseconds)`);
  };
}

/** What `stop` says of a `timeout` that is none; null for one that is. */
export function wrongStopTimeout(timeout: unknown): ErrInvalidOption | null {
  if (typeof timeout === 'number' && timeout >= 0) return null;
  const given = `cannot stop with timeout ${textOf(timeout)}`;
  return new ErrInvalidOption(`${given}: give milliseconds from 0 on; Infinity is no limit`);
}

/** One of the values of a const object such as `LoadBalancing`. */
export function oneOf<const Value>(values: Readonly<Record<string, Value>>): OptionCheck<Value> {
  return (name, value) => {
    const found = Object.values(values).find((known) => known === value);
    if (found !== undefined) return found;
    const wanted = Object.entries(values).map(([key, known]) =>
      key === String(known) ? key : `${String(known)} (${key})`,
    );
    throw invalidOption(name, value, `one of ${wanted.join(', ')}`);
  };
}

export function oneWordOf<const Word extends string>(words: readonly Word[]): OptionCheck<Word> {
  return (name, value) => {
    const found = words.find((known) => known === value);
    if (found !== undefined) return found;
    throw invalidOption(name, value, `one of '${words.join("', '")}'`);
  };
}

/**
 * Refuses what is no object, and names that mean nothing: what is misspelt would be ignored in silence.
 * @param of whose options they are, as in `dial`.
 * @throws ErrInvalidOption
 */
export function checkNames(of: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    const given = `cannot use ${describe(options)} as the options of ${of}`;
    throw new ErrInvalidOption(`${given}: give an object with any of ${known.join(', ')}`);
  }
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const nearest = nearestName(unknown, known);
  const hint = nearest === undefined ? `known are ${known.join(', ')}` : `is it ${nearest}?`;
  throw new ErrInvalidOption(`cannot use option ${unknown} of ${of}: there is none; ${hint}`);
}

/** The known name that `typed` was probably meant to be, if any is near. */
export function nearestName(typed: string, known: readonly string[]): string | undefined {
  const lowered = typed.toLowerCase();
  let nearest: string | undefined;
  // More than a third of the letters wrong is another word, not a slip.
  let least = Math.floor(typed.length / 3) + 1;
  for (const name of known) {
    const distance = editDistance(lowered, name.toLowerCase());
    if (distance >= least) continue;
    least = distance;
    nearest = name;
  }
  return nearest;
}

function isWithin(value: unknown, min: number, max: number): boolean {
  return typeof value === 'number' && value >= min && value <= max;
}

function describe(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'symbol') return 'a symbol';
  if (typeof value !== 'object' || value === null) return String(value);
  return Array.isArray(value) ? 'an array' : 'an object';
}

/** How many letters have to be added, removed or replaced to get from one word to the other. */
function editDistance(from: string, to: string): number {
  let previous = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= to.length; column += 1) {
      const replaced = (previous[column - 1] ?? 0) + (from[row - 1] === to[column - 1] ? 0 : 1);
      const removed = (previous[column] ?? 0) + 1;
      const added = (current[column - 1] ?? 0) + 1;
      current.push(Math.min(replaced, removed, added));
    }
    previous = current;
  }
  return previous[to.length] ?? 0;
}

export function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}
