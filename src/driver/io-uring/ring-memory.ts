import type { DescriptorBits } from '../../base/descriptor-bits.ts';
import { assert } from '../../base/assert.ts';
import { ErrUnsupportedPlatform } from '../../base/errors.ts';
import { errnoName, errnoNumber } from '../../platform/index.ts';
import {
  ioUringConstants as numbers,
  ioUringLayouts as layouts,
} from '../../platform/linux-io-uring.ts';
import { closeDescriptor } from '../../syscall/descriptor.ts';
import { syscallError } from '../../syscall/last-errno.ts';
import {
  type RingMapping,
  type RingSetup,
  mapRing,
  setupRing,
  unmapRing,
} from '../../syscall/linux/io-uring.ts';
import type { LeftMapping } from '../descriptor-ledger.ts';
import { noMemory } from '../native/errno-sets.ts';

/** Completions per submission entry: multishot operations complete many times. */
const completionsPerSubmission = 4;
const entriesMin = 64;

/**
 * One thread, this one, submits, and completions are made when it asks for them: no interruptions,
 * no locks. Linux 6.1. The flag in shared memory says when there is something to ask for.
 */
const setupFlags =
  numbers.IORING_SETUP_SINGLE_ISSUER |
  numbers.IORING_SETUP_DEFER_TASKRUN |
  numbers.IORING_SETUP_TASKRUN_FLAG |
  numbers.IORING_SETUP_SUBMIT_ALL |
  numbers.IORING_SETUP_CLAMP |
  numbers.IORING_SETUP_CQSIZE;
const neededFeatures =
  numbers.IORING_FEAT_SINGLE_MMAP | numbers.IORING_FEAT_NODROP | numbers.IORING_FEAT_EXT_ARG;

const invalidArgument = errnoNumber('EINVAL') as number;
const reasons: Readonly<Record<string, string>> = {
  EPERM:
    'it is forbidden (kernel.io_uring_disabled, or a seccomp filter such as that of a container)',
  ENOSYS: 'this kernel has none',
  ENOMEM: 'there is no memory for a ring; raise the limit of locked memory (ulimit -l)',
  EINVAL: 'this kernel is older than 6.1',
};

function refused(errno: number): ErrUnsupportedPlatform {
  const name = errnoName(errno);
  return new ErrUnsupportedPlatform(
    `cannot use io_uring: ${reasons[name] ?? 'the kernel refuses a ring'} (io_uring_setup: ${name})`,
    { cause: syscallError('io_uring_setup', errno, 'make a ring') },
  );
}

/** A ring as large as there is memory for; without an index array where the kernel allows (6.6). */
function setUp(wantedEntries: number): { setup: RingSetup; indexed: boolean } {
  let flags = setupFlags | numbers.IORING_SETUP_NO_SQARRAY;
  let entries = wantedEntries;
  for (;;) {
    const setup = setupRing(entries, entries * completionsPerSubmission, flags);
    if (typeof setup !== 'number') {
      return { setup, indexed: (flags & numbers.IORING_SETUP_NO_SQARRAY) === 0 };
    }
    if (setup === -invalidArgument && flags !== setupFlags) flags = setupFlags;
    else if (setup === -noMemory && entries > entriesMin) entries /= 2;
    else throw refused(-setup);
  }
}

/** A ring and the memory it shares with the kernel. Belongs to the thread that made it. */
export class RingMemory {
  readonly descriptor: number;
  readonly features: number;
  readonly submissionEntries: number;
  readonly completionEntries: number;
  /** Heads, tails, flags and completions. Empty once closed. */
  words: Int32Array;
  /** Submission entries, 16 words each. Empty once closed. */
  entries: Int32Array;
  // Indices into `words`.
  readonly submissionHead: number;
  readonly submissionTail: number;
  readonly submissionFlags: number;
  readonly completionHead: number;
  readonly completionTail: number;
  readonly completions: number;
  readonly lost: number;
  readonly #mappings: RingMapping[] = [];

  /** @throws ErrUnsupportedPlatform with the reason when there is no such ring to be had. */
  constructor(wantedEntries: number) {
    const { setup, indexed } = setUp(wantedEntries);
    const { submission, completion } = setup;
    this.descriptor = setup.descriptor;
    this.features = setup.features;
    this.submissionEntries = setup.submissionEntries;
    this.completionEntries = setup.completionEntries;
    this.submissionHead = submission.head / 4;
    this.submissionTail = submission.tail / 4;
    this.submissionFlags = submission.flags / 4;
    this.completionHead = completion.head / 4;
    this.completionTail = completion.tail / 4;
    this.completions = completion.cqes / 4;
    this.lost = completion.overflow / 4;
    this.words = new Int32Array(0);
    this.entries = new Int32Array(0);
    try {
      this.#map(setup, indexed);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  #map(setup: RingSetup, indexed: boolean): void {
    const missing = neededFeatures & ~setup.features;
    assert(missing === 0, `a kernel with DEFER_TASKRUN has the features ${missing}`);
    const completionsEnd = setup.completion.cqes + setup.completionEntries * layouts.cqe.size;
    const indicesEnd = indexed ? setup.submission.array + setup.submissionEntries * 4 : 0;
    const byteLength = Math.max(completionsEnd, indicesEnd);
    const rings = mapRing(setup.descriptor, numbers.IORING_OFF_SQ_RING, byteLength);
    this.#mappings.push(rings);
    this.words = rings.words;
    const entriesBytes = setup.submissionEntries * layouts.sqe.size;
    const entries = mapRing(setup.descriptor, numbers.IORING_OFF_SQES, entriesBytes);
    this.#mappings.push(entries);
    this.entries = entries.words;
    if (!indexed) return;
    const first = setup.submission.array / 4;
    for (let index = 0; index < setup.submissionEntries; index++) this.words[first + index] = index;
  }

  /** As who cleans up after this thread must know them. */
  get mappings(): LeftMapping[] {
    const completions = {
      head: this.completionHead,
      tail: this.completionTail,
      first: this.completions,
      entries: this.completionEntries,
    };
    return this.#mappings.map(({ address, byteLength, words }) => ({
      address: Number(address),
      byteLength,
      completions: words === this.words ? completions : null,
    }));
  }

  /** Only this class keeps views of the mappings, so it can unmap them. */
  close(bits?: DescriptorBits | null): void {
    this.words = new Int32Array(0);
    this.entries = new Int32Array(0);
    for (const mapping of this.#mappings.splice(0)) unmapRing(mapping);
    closeDescriptor(this.descriptor, bits);
  }
}
