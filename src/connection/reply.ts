import { ErrCodec, ErrHandler, ErrInvalidReply, type GnetError } from '../base/errors.ts';
import { isThenable } from '../base/settled.ts';
import { isGnetError, textOf } from '../base/thrown.ts';
import type { Action } from './action.ts';
import type { Bytes } from './conn.ts';
import { Prepared, type Sendable } from './prepared.ts';

/** Bytes and an action. */
export type ReplyPair = readonly [Sendable | null | undefined, Action];

export function isBytes(value: unknown): value is Bytes {
  return typeof value === 'string' || (ArrayBuffer.isView(value) && value instanceof Uint8Array);
}

function isPair(reply: unknown): reply is ReplyPair {
  if (!Array.isArray(reply) || reply.length !== 2 || typeof reply[1] !== 'number') return false;
  const bytes: unknown = reply[0];
  return bytes === null || bytes === undefined || isBytes(bytes) || Prepared.is(bytes);
}

/** What the answer of a handler is. */
export const replyKind = { nothing: 0, action: 1, bytes: 2, pair: 3, promise: 4 } as const;

/**
 * Which of them. Every kind of connection asks here, so that none takes what another refuses.
 * @throws ErrInvalidReply when it is none of them.
 */
export function kindOfReply(reply: unknown): number {
  if (reply === undefined || reply === null) return replyKind.nothing;
  if (typeof reply === 'number') return replyKind.action;
  if (isBytes(reply) || Prepared.is(reply)) return replyKind.bytes;
  let isArray = false;
  try {
    isArray = Array.isArray(reply);
    if (isPair(reply)) return replyKind.pair;
    if (isThenable(reply)) return replyKind.promise;
  } catch (thrown) {
    throw invalidReply(`${typeof reply} that the handler returned (${textOf(thrown)})`, thrown);
  }
  throw invalidReply(`${isArray ? 'array' : typeof reply} that the handler returned`, undefined);
}

function invalidReply(what: string, cause: unknown): ErrInvalidReply {
  return new ErrInvalidReply(
    `cannot use the ${what}: return bytes, an Action, [bytes, Action], nothing, or a promise of one`,
    { cause },
  );
}

/** What a codec threw, as the error its connection closes with. */
export function codecError(method: string, thrown: unknown): GnetError {
  if (isGnetError(thrown)) return thrown;
  return new ErrCodec(`closed the connection: the codec's ${method} threw ${textOf(thrown)}`, {
    cause: thrown,
  });
}

/** What an event of the handler threw, as the error its connection closes with. */
export function handlerError(method: string, thrown: unknown, peer: string): GnetError {
  if (isGnetError(thrown)) return thrown;
  return new ErrHandler(`closed the connection to ${peer}: ${method} threw ${textOf(thrown)}`, {
    cause: thrown,
  });
}
