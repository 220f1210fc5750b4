/** Keeps frames that a handler was lent beyond the loan. */
import { ErrUnsupportedOp } from '../base/errors.ts';
import { type Slab, slabOf } from '../buffer/slab.ts';
import type { Conn } from './conn.ts';
import type { Leaks } from './leaks.ts';

interface Owner {
  readonly poisonFrames: boolean;
  readonly leaks: Leaks | null;
  report(message: string, error: unknown): void;
}

interface Forgotten {
  readonly owner: Owner;
  readonly stack: Error;
}

const nothing = (): void => {};

/** Copies that were lent to show when a frame has expired, and that are kept: they have not. */
const keptCopies = new WeakSet<ArrayBufferLike>();

/** In development mode: functions that release a frame and were thrown away uncalled. */
const forgotten = new FinalizationRegistry<Forgotten>(({ owner, stack }) => {
  owner.report('a retained frame was never released: its memory is lost', stack);
});

/** Whether the handler has asked for this copy to stay as it is. */
export function isKept(copy: Uint8Array): boolean {
  return keptCopies.has(copy.buffer);
}

/**
 * Keeps what `frame` stands in; the function releases it. Memory that nothing is received into again
 * needs no keeping.
 * @throws ErrUnsupportedOp when the frame has expired.
 */
export function retainFrame(owner: Owner, frame: Uint8Array, c: Conn): () => void {
  const slab = slabOf(frame);
  const release = slab === undefined ? keepCopy(owner, frame) : keepSlab(slab);
  if (release === nothing) return release;
  const followed = followRelease(owner, c, slab?.capacity ?? frame.length, release);
  if (!owner.poisonFrames) return followed;
  const token = {};
  const stack = new Error('it was retained here');
  const watched = (): void => {
    forgotten.unregister(token);
    followed();
  };
  forgotten.register(watched, { owner, stack }, token);
  return watched;
}

function followRelease(owner: Owner, c: Conn, bytes: number, release: () => void): () => void {
  const { leaks } = owner;
  const held = leaks === null ? null : leaks.retained(c, bytes);
  if (held === null) return release;
  return () => {
    leaks?.release(held);
    release();
  };
}

function keepSlab(slab: Slab): () => void {
  if (slab.references === 0) {
    throw new ErrUnsupportedOp(
      'cannot retain the frame: it has expired; retain it before react returns, or its promise settles',
    );
  }
  const { home } = slab;
  home.retain(slab);
  let held: Slab | null = slab;
  return () => {
    if (held !== null) home.release(held);
    held = null;
  };
}

function keepCopy(owner: Owner, frame: Uint8Array): () => void {
  if (!owner.poisonFrames) return nothing;
  keptCopies.add(frame.buffer);
  return () => {
    if (keptCopies.delete(frame.buffer)) frame.fill(expired);
  };
}

/** What expired frames are overwritten with, in development mode. */
const expired = 0xdb;
