import { GnetError } from '../base/errors.ts';

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
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const { code, syscall, errno, address } = error as Partial<GnetError>;
  return {
    name: error.name,
    message: error.message,
    stack: error.stack,
    code: typeof code === 'string' ? code : undefined,
    syscall,
    errno,
    address,
  };
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

/** Fields of a log line: an error in `err` keeps what it is, and what cannot be sent becomes text. */
export function packFields(fields: object | undefined): object | undefined {
  if (fields === undefined) return undefined;
  const packed: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (value instanceof Error) packed[name] = { packedError: packError(value) };
    else if (typeof value === 'object' || typeof value === 'function') packed[name] = String(value);
    else packed[name] = value;
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
