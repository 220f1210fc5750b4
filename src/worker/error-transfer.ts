import { GnetError } from '../base/errors.ts';
import { errorOf, textOf } from '../base/thrown.ts';

/** An error as `postMessage` can take it without losing what it is. */
export interface TransferredError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly code: string | undefined;
  readonly syscall: string | undefined;
  readonly errno: number | undefined;
  readonly address: string | undefined;
}

export function packError(thrown: unknown): TransferredError {
  const error = errorOf(thrown);
  const { name, message, stack } = error;
  try {
    const { code, syscall, errno, address } = error as Partial<GnetError>;
    return {
      name,
      message,
      stack,
      code: typeof code === 'string' ? code : undefined,
      syscall: typeof syscall === 'string' ? syscall : undefined,
      errno: typeof errno === 'number' ? errno : undefined,
      address: typeof address === 'string' ? address : undefined,
    };
  } catch {
    // An accessor of the program's own that throws.
    const none = undefined;
    return { name, message, stack, code: none, syscall: none, errno: none, address: none };
  }
}

/** The error again: with the code, name and stack that it had in its thread. */
export function unpackError(packed: TransferredError): Error {
  const { code, message, syscall, errno, address } = packed;
  const details = {
    ...(syscall === undefined ? {} : { syscall }),
    ...(errno === undefined ? {} : { errno }),
    ...(address === undefined ? {} : { address }),
  };
  const error = code === undefined ? new Error(message) : new GnetError(code, message, details);
  error.name = packed.name;
  if (packed.stack !== undefined) error.stack = packed.stack;
  return error;
}

/** What `postMessage` takes as it is. */
const plainTypes = ['string', 'number', 'bigint', 'boolean', 'undefined'];

/** Fields of a log line: an error in `err` keeps what it is, and what cannot be sent becomes text. */
export function packFields(fields: object | undefined): object | undefined {
  if (fields === undefined) return undefined;
  const packed: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (name === 'err' && value !== undefined) packed[name] = { packedError: packError(value) };
    else if (plainTypes.includes(typeof value)) packed[name] = value;
    else packed[name] = textOf(value);
  }
  return packed;
}

export function unpackFields(fields: object | undefined): object | undefined {
  if (fields === undefined) return undefined;
  const unpacked: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    const packed = (value as { packedError?: TransferredError } | null)?.packedError;
    unpacked[name] = packed === undefined ? value : unpackError(packed);
  }
  return unpacked;
}
