/** The program's writes: see `Conn`. */
import { ErrInvalidReply } from '../base/errors.ts';
import { isMemoryLack } from '../base/memory-lack.ts';
import { remoteAddress } from './addresses.ts';
import { takesBytes } from './closing.ts';
import type { Bytes } from './conn.ts';
import { neverFlushed, notWritable } from './connection-errors.ts';
import { countsSilence } from './timeout-clock.ts';
import { flushNow } from './flushing.ts';
import {
  breakOffFor,
  checkBytes,
  offer,
  outboundBuffered,
  put,
  putParts,
  putPartsEncoded,
  putPrepared,
  putRaw,
  putShared,
} from './outbound.ts';
import { Prepared, type Sendable } from './prepared.ts';
import { type Connection, is, isClosed } from './record.ts';
import { mark } from './states.ts';
import { scheduleFlush } from './deferred-tasks.ts';
import { toBroken } from './transitions.ts';
import { whenFlushed } from './when-flushed.ts';

export function asyncWrite(c: Connection, data: Sendable): boolean {
  if (!takesBytes(c)) return false;
  try {
    if (Prepared.is(data)) putPrepared(c, data);
    else put(c, data, false);
  } catch (error) {
    breakOffFor(c, error);
  }
  return written(c);
}

export function writeNoCodec(c: Connection, data: Sendable): boolean {
  if (!takesBytes(c)) return false;
  try {
    putPlain(c, data);
  } catch (error) {
    breakOffFor(c, error);
  }
  return written(c);
}

function putPlain(c: Connection, data: Sendable): void {
  if (Prepared.is(data)) putShared(c, data, Prepared.payloadOf(data));
  else putRaw(c, data);
}

export function tryWrite(c: Connection, data: Uint8Array): number {
  const bytes = checkBytes(data);
  if (!takesBytes(c)) return 0;
  let taken = 0;
  try {
    taken = offer(c, bytes);
  } catch (error) {
    breakOffFor(c, error);
  }
  if (taken > 0) written(c);
  return taken;
}

export function writev(c: Connection, parts: readonly Bytes[]): boolean {
  const goesOn = takeParts(c, parts, putParts);
  if (!isClosed(c)) flushNow(c);
  return goesOn;
}

export function asyncWritev(c: Connection, parts: readonly Bytes[]): boolean {
  return takeParts(c, parts, putPartsEncoded);
}

function takeParts(c: Connection, parts: readonly Bytes[], take: typeof putParts): boolean {
  if (!Array.isArray(parts)) {
    throw new ErrInvalidReply('cannot send this as parts: give an array of bytes or strings');
  }
  const pieces = parts.map((part: unknown) =>
    typeof part === 'string' ? Buffer.from(part) : checkBytes(part),
  );
  if (!takesBytes(c)) return false;
  let length = 0;
  for (const piece of pieces) length += piece.length;
  try {
    take(c, pieces, length);
  } catch (error) {
    breakOffFor(c, error);
  }
  return written(c);
}

export function flushWrite(c: Connection, data: Sendable, noCodec: boolean): Promise<void> {
  if (!takesBytes(c)) {
    // Nothing is written: what was goes out on the way to the close, too.
    if (noCodec && isNothing(data) && !isClosed(c)) return whenFlushed(c);
    return Promise.reject(notWritable(remoteAddress(c)));
  }
  try {
    if (noCodec) putPlain(c, data);
    else if (Prepared.is(data)) putPrepared(c, data);
    else put(c, data, false);
    written(c);
    if (!isClosed(c)) return whenFlushed(c);
  } catch (error) {
    if (!isMemoryLack(error)) return Promise.reject(error);
    toBroken(c, error);
  }
  return Promise.reject(neverFlushed(outboundBuffered(c), remoteAddress(c)));
}

function isNothing(data: Sendable): boolean {
  return !Prepared.is(data) && data.length === 0;
}

/** Whether the program may keep writing. */
function written(c: Connection): boolean {
  if (!is(c, mark.handling)) {
    // From a timer or a promise: the loop's own time is the time of its last turn.
    if (countsSilence(c)) c.lastWritten = c.owner.currentTime();
    scheduleFlush(c);
  } else {
    c.lastWritten = c.owner.now;
  }
  return !is(c, mark.aboveHigh) && !isClosed(c);
}
