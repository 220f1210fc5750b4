import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ErrInvalidOption } from '../../base/errors.ts';
import { type PemBlock, pemBlocks } from './pem.ts';

/** What was given, and how messages call it. */
export interface LoadedInput {
  /** `certificates/host.pem`, or `the text of 'cert'`. */
  readonly source: string;
  readonly bytes: Uint8Array;
}

const pemMark = '-----BEGIN ';
/** The tag that every DER file here begins with. */
const derSequence = 0x30;

function readFile(option: string, path: string): LoadedInput {
  try {
    return { source: path, bytes: readFileSync(path) };
  } catch (error) {
    throw new ErrInvalidOption(
      `cannot read the file '${path}' of ${option}: ${(error as Error).message}; a text in place of a ` +
        `path begins with ${pemMark.trim()}`,
      { cause: error },
    );
  }
}

/** @throws ErrInvalidOption for a file that cannot be read, or something that is none of these. */
export function loadInput(option: string, input: unknown): LoadedInput {
  if (typeof input === 'string') {
    if (!input.includes(pemMark)) return readFile(option, input);
    return { source: `the text of '${option}'`, bytes: Buffer.from(input, 'latin1') };
  }
  if (input instanceof URL) return readFile(option, fileURLToPath(input));
  if (input instanceof Uint8Array) return { source: `the bytes of '${option}'`, bytes: input };
  throw new ErrInvalidOption(
    `${option} is ${input === null ? 'null' : `a ${typeof input}`}; wanted is a path, a file: URL, a PEM ` +
      'text or bytes',
  );
}

/** One or several of them, as a list. */
export function listOf<T>(given: T | readonly T[] | undefined): readonly T[] {
  if (given === undefined) return [];
  return Array.isArray(given) ? (given as readonly T[]) : [given as T];
}

/** The blocks of a PEM text; bytes of DER as one block of that label. */
function blocksOf({ bytes }: LoadedInput, label: string): PemBlock[] {
  if (bytes[0] === derSequence) return [{ label, der: bytes, text: '' }];
  return pemBlocks(
    Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1'),
  );
}

/** @throws ErrInvalidOption when there is no block of that kind. */
export function wantedBlocks(
  option: string,
  input: LoadedInput,
  label: string,
  isWanted: (block: PemBlock) => boolean,
): PemBlock[] {
  const all = blocksOf(input, label);
  const wanted = all.filter(isWanted);
  if (wanted.length > 0) return wanted;
  const found = [...new Set(all.map((block) => block.label))].join(', ');
  throw new ErrInvalidOption(
    `cannot use ${input.source} as ${option}: it has no block -----BEGIN ${label}-----, ` +
      (found === '' ? 'nor any other one' : `only ${found}`),
  );
}
