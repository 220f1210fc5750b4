import * as errors from '../base/errors.ts';
import { errorOf, isGnetError, textOf } from '../base/thrown.ts';
import * as tlsErrors from '../tls/errors.ts';

/** An error as `postMessage` can take it without losing what it is. */
export interface TransferredError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  /** Its class: of ours, or of the language; undefined for others. */
  readonly kind: string | undefined;
  readonly own: OwnProperties;
  /** One of the two: what was thrown need not be an error. */
  readonly cause: { readonly error: TransferredError } | { readonly value: unknown } | undefined;
}

interface OwnProperties {
  readonly code?: string;
  readonly syscall?: string;
  readonly errno?: number;
  readonly address?: string;
  readonly alert?: string;
  readonly reason?: string;
}

/** Causes of causes beyond this stay behind. */
const causesMax = 8;

/** What is made again by its own constructor, and nothing else of it is needed. */
const languageErrors = { EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };

const ourErrors: Readonly<Record<string, { readonly prototype: errors.GnetError }>> = {
  ...errors,
  ...tlsErrors,
};

export function packError(thrown: unknown, depth = 0): TransferredError {
  const error = errorOf(thrown);
  const { name, message, stack } = error;
  try {
    const cause = packCause(error, depth);
    return { name, message, stack, kind: kindOf(error), own: ownProperties(error), cause };
  } catch {
    // An accessor of the program's own that throws.
    return { name, message, stack, kind: undefined, own: {}, cause: undefined };
  }
}

function kindOf(error: Error): string | undefined {
  if (error instanceof errors.SyscallError) return 'SyscallError';
  if (isGnetError(error)) return Object.hasOwn(ourErrors, error.code) ? error.code : 'GnetError';
  for (const [name, one] of Object.entries(languageErrors)) if (error instanceof one) return name;
  return undefined;
}

function ownProperties(error: Error): OwnProperties {
  const { code, syscall, errno, address, alert, reason } = error as OwnProperties;
  return {
    ...(typeof code === 'string' && { code }),
    ...(typeof syscall === 'string' && { syscall }),
    ...(typeof errno === 'number' && { errno }),
    ...(typeof address === 'string' && { address }),
    ...(typeof alert === 'string' && { alert }),
    ...(typeof reason === 'string' && { reason }),
  };
}

function packCause(error: Error, depth: number): TransferredError['cause'] {
  const { cause } = error;
  if (cause === undefined || depth >= causesMax) return undefined;
  if (cause instanceof Error) return { error: packError(cause, depth + 1) };
  const isPlain = cause === null || plainTypes.includes(typeof cause);
  return { value: isPlain ? cause : textOf(cause) };
}

/** The error again: with the class, code, name, stack and cause that it had in its thread. */
export function unpackError(packed: TransferredError): Error {
  const { own, name, stack } = packed;
  const error = bareError(packed);
  for (const [key, value] of Object.entries(own)) {
    if ((error as unknown as Record<string, unknown>)[key] !== value) {
      Object.assign(error, { [key]: value });
    }
  }
  if (error.name !== name) error.name = name;
  if (stack !== undefined) error.stack = stack;
  return error;
}

function bareError({ kind = '', message, own, cause: packed }: TransferredError): Error {
  const cause = packed === undefined ? undefined : unpackCause(packed);
  const ours = Object.hasOwn(ourErrors, kind) ? ourErrors[kind] : undefined;
  if (ours !== undefined) {
    const error = new errors.GnetError(own.code ?? kind, message, { ...own, cause });
    // What their constructors take differs, and all that they do is done here.
    return Object.setPrototypeOf(error, ours.prototype);
  }
  const details = cause === undefined ? undefined : { cause };
  if (!Object.hasOwn(languageErrors, kind)) return new Error(message, details);
  return new languageErrors[kind as keyof typeof languageErrors](message, details);
}

function unpackCause(packed: NonNullable<TransferredError['cause']>): unknown {
  return 'error' in packed ? unpackError(packed.error) : packed.value;
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
