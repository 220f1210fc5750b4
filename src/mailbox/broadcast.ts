import { ErrCodec, ErrInvalidReply, GnetError } from '../base/errors.ts';
import type { Bytes } from '../connection/conn.ts';
import { plainBytes, Prepared, prepare, type Sendable } from '../connection/prepared.ts';
import type { StreamConnection } from '../connection/stream-connection.ts';
import type { EventLoop } from '../loop/event-loop.ts';
import { giveBytes } from './conn-handle.ts';

/** How long a broadcast waits for readers that are above their high watermark. */
const catchUpMs = 1_000;

export interface BroadcastOutcome {
  /** Connections that took the bytes. */
  readonly taken: number;
  /** What the first codec threw that did not; null when all did. */
  readonly error: GnetError | null;
  /** Resolves when those that took the bytes have room for more; see `whenCaughtUp`. */
  readonly caughtUp: Promise<void>;
}

/**
 * Writes to every open connection of a loop of this thread. Where a codec refuses the bytes nothing is
 * written; the others have them all the same.
 */
export function broadcastOn(loop: EventLoop, data: Sendable): BroadcastOutcome {
  const prepared = encodedOnce(data);
  let taken = 0;
  let error: GnetError | null = null;
  const full: StreamConnection[] = [];
  for (const connection of loop.connections()) {
    try {
      if (!giveBytes(connection, prepared)) continue;
      taken++;
      if (!connection.hasRoom) full.push(connection);
    } catch (thrown) {
      error ??= thrown instanceof GnetError ? thrown : encodeError(thrown);
    }
  }
  return { taken, error, caughtUp: whenCaughtUp(full) };
}

/** Readers that kept a broadcast waiting too long: later ones do not wait until they have caught up. */
const leftBehind = new WeakSet<StreamConnection>();

/** One reader that takes nothing must not hold up what all others are to get. */
async function whenCaughtUp(full: readonly StreamConnection[]): Promise<void> {
  const awaited = full.filter((connection) => !leftBehind.has(connection));
  if (awaited.length === 0) return;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, catchUpMs);
  });
  await Promise.race([late, Promise.all(awaited.map((connection) => connection.whenRoom()))]);
  clearTimeout(timer);
  for (const connection of awaited) {
    if (connection.hasRoom || connection.isClosed) continue;
    leftBehind.add(connection);
    void connection.whenRoom().then(() => leftBehind.delete(connection));
  }
}

function encodeError(cause: unknown): ErrCodec {
  return new ErrCodec('cannot broadcast: the codec could not encode the bytes; see `cause`', {
    cause,
  });
}

/** Encoded once for all connections; nothing changes the bytes while they are handed out. */
function encodedOnce(data: Sendable): Prepared {
  if (Prepared.is(data)) return data;
  if (typeof data === 'string') return new Prepared(Buffer.from(data));
  // A copy: the program may change its memory as soon as `broadcast` returns.
  if (data instanceof Uint8Array) return prepare(data);
  throw notForBroadcast(data);
}

/**
 * What every loop may be given: also for other threads, which must not get all of the memory that a
 * small view is of.
 * @throws ErrInvalidReply when it is no bytes and no text.
 */
export function broadcastBytes(given: Sendable): Bytes {
  const data = plainBytes(given);
  if (typeof data === 'string') return data;
  if (data instanceof Uint8Array) {
    return data.byteLength === data.buffer.byteLength ? data : new Uint8Array(data);
  }
  throw notForBroadcast(data);
}

function notForBroadcast(data: unknown): ErrInvalidReply {
  return new ErrInvalidReply(
    `cannot broadcast a ${data === null ? 'null' : typeof data}: give a Uint8Array or a string`,
  );
}
