import { assert } from '../base/assert.ts';
import type { Slab } from '../buffer/slab.ts';

/**
 * The read that is being handled: its slab, and how far the connection has come. One for all
 * connections of a loop, since reads are handled one after the other: an idle connection has none.
 */
export class ReadWindow {
  /** What the kernel read into; null when no read is being handled. */
  slab: Slab | null = null;
  /** Received and unconsumed: bytes `start..end` of the slab. */
  start = 0;
  end = 0;
  /** The newest view of the slab that was given out, to know it again without asking for its memory. */
  view: Buffer | null = null;
  viewStart = 0;
  /** Answers that are still in the slab and will be sent from there; none if `directEnd` is 0. */
  directStart = 0;
  directEnd = 0;

  enter(slab: Slab, start: number, end: number): void {
    assert(this.slab === null, 'reads of a loop are handled one after the other');
    this.slab = slab;
    this.start = start;
    this.end = end;
  }

  leave(): void {
    this.slab = null;
    this.view = null;
    this.directStart = this.directEnd = 0;
  }
}
