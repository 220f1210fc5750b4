import type { Call } from './call.ts';

export interface Command {
  /** In lower case. */
  readonly name: string;
  /** Arguments with the name: exactly this many, or, negative, at least that many. */
  readonly arity: number;
  /** Which arguments are keys: the first, the last (negative: from the end), every how many. */
  readonly keys: readonly [first: number, last: number, step: number];
  readonly flags: readonly string[];
  run(call: Call): void;
}

const BUCKETS = 256;

/** Finds commands by the bytes of their names, in any case of letters, without making text. */
export class CommandTable {
  readonly all: readonly Command[];
  readonly #buckets: { readonly name: Buffer; readonly command: Command }[][];

  constructor(commands: readonly Command[]) {
    this.all = commands;
    this.#buckets = Array.from({ length: BUCKETS }, () => []);
    for (const command of commands) {
      const name = Buffer.from(command.name, 'latin1');
      this.#buckets[bucketOf(name, 0, name.length)]?.push({ name, command });
    }
  }

  find(bytes: Uint8Array, start: number, end: number): Command | null {
    if (start === end) return null;
    const bucket = this.#buckets[bucketOf(bytes, start, end)];
    if (bucket === undefined) return null;
    for (let index = 0; index < bucket.length; index++) {
      const entry = bucket[index];
      if (entry !== undefined && isName(bytes, start, end, entry.name)) return entry.command;
    }
    return null;
  }
}

function bucketOf(bytes: Uint8Array, start: number, end: number): number {
  const first = (bytes[start] as number) | 0x20;
  const middle = (bytes[(start + end) >> 1] as number) | 0x20;
  const last = (bytes[end - 1] as number) | 0x20;
  return (first * 7 + middle * 31 + last * 3 + (end - start)) & (BUCKETS - 1);
}

function isName(bytes: Uint8Array, start: number, end: number, name: Buffer): boolean {
  if (end - start !== name.length) return false;
  for (let index = 0; index < name.length; index++) {
    const byte = bytes[start + index] as number;
    const lowered = byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
    if (lowered !== name[index]) return false;
  }
  return true;
}
