import { ErrCodec, ErrInvalidReply, GnetError } from '../base/errors.ts';
import type { Bytes } from '../connection/conn.ts';
import type { EventLoop } from '../loop/event-loop.ts';
import { giveBytes } from './conn-handle.ts';

export interface BroadcastOutcome {
  /** Connections that took the bytes. */
  readonly taken: number;
  /** What the first codec threw that did not; null when all did. */
  readonly error: GnetError | null;
}

/**
 * Writes to every open connection of a loop of this thread. Where a codec refuses the bytes nothing is
 * written; the others have them all the same.
 */
export function broadcastOn(loop: EventLoop, data: Bytes): BroadcastOutcome {
  let taken = 0;
  let error: GnetError | null = null;
  for (const connection of loop.connections()) {
    try {
      if (giveBytes(connection, data)) taken++;
    } catch (thrown) {
      error ??= thrown instanceof GnetError ? thrown : encodeError(thrown);
    }
  }
  return { taken, error };
}

function encodeError(cause: unknown): ErrCodec {
  return new ErrCodec('cannot broadcast: the codec could not encode the bytes; see `cause`', {
    cause,
  });
}

/**
 * What every loop may be given: also for other threads, which must not get all of the memory that a
 * small view is of.
 * @throws ErrInvalidReply when it is no bytes and no text.
 */
export function broadcastBytes(data: Bytes): Bytes {
  if (typeof data === 'string') return data;
  if (data instanceof Uint8Array) {
    return data.byteLength === data.buffer.byteLength ? data : new Uint8Array(data);
  }
  throw new ErrInvalidReply(
    `cannot broadcast a ${data === null ? 'null' : typeof data}: give a Uint8Array or a string`,
  );
}
