/**
 * Makes system calls of the native drivers fail as a test wants it. Import it before anything of
 * `src/`: every file looks its calls up once, and that look-up is the seam. Nothing else knows of it,
 * and without it nothing is slower. With `--import` it is there in every thread, and what the main
 * thread sets holds in all of them.
 */
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';
import { crc32 } from 'node:zlib';
import { foreignInterface } from '../src/ffi/index.ts';
import { errnoNumber, requireLinux } from '../src/platform/index.ts';
import { ioUringLayouts } from '../src/platform/linux-io-uring.ts';

type Word = bigint | number;
type Call = (...args: Word[]) => number;

export interface CallFault {
  /** The name of the call: `recvfrom`, `io_uring_enter`, ... */
  readonly call: string;
  /** Or `SHORT`: less is done than was asked for; `TINY`: a ring has the fewest entries. */
  readonly errno: string;
  /** So many of these calls go well before one fails. */
  readonly skip?: number;
  /** So many fail then; without it all, until the fault is taken back. */
  readonly times?: number;
}

/** What the kernel does all the same, whatever these calls return. */
const doneAllTheSame: ReadonlySet<string> = new Set(['close', 'munmap', 'connect:EINTR']);

/** Of these each is looked up; what is no system call is not touched. */
const names: ReadonlySet<string> = new Set(
  `accept4 recvmmsg sendmmsg eventfd read write epoll_create1 epoll_ctl epoll_wait close fcntl dup2
   socket socketpair bind listen connect shutdown getsockname getpeername setsockopt getsockopt ioctl
   mmap munmap mprotect madvise prctl waitpid sched_getaffinity sched_setaffinity`.split(/\s+/),
);

/**
 * What all threads share, in words of 32 bits: the number of the fault, odd while it is replaced; how many
 * of its calls went well, and how many failed; the length of its text. Then how often each call was made.
 */
const word = { fault: 0, skipped: 1, failed: 2, textLength: 3, counts: 4 } as const;
const callsMax = 2_048;
const textMax = 512;
const countsEnd = word.counts + callsMax;
const key = 'gnet failing calls';
const shared =
  (getEnvironmentData(key) as SharedArrayBuffer | undefined) ??
  new SharedArrayBuffer(4 * countsEnd + textMax);
setEnvironmentData(key, shared);
const words = new Int32Array(shared, 0, countsEnd);
const text = new Uint8Array(shared, 4 * countsEnd);

const countOf = (name: string): number => word.counts + (crc32(name) % callsMax);

/** How often a call was made since the last fault was set. */
export function timesMade(name: string): number {
  return Atomics.load(words, countOf(name));
}

/** How many failed since the last fault was set. */
export function timesFailed(): number {
  return Atomics.load(words, word.failed);
}

/** From now on, until it is replaced or taken back with null. Of the main thread only. */
export function setCallFault(next: CallFault | null): void {
  Atomics.add(words, word.fault, 1);
  if (next !== null) words.fill(0, word.skipped);
  const bytes = Buffer.from(JSON.stringify(next));
  if (bytes.length > textMax) throw new RangeError('the fault takes too long to tell');
  text.set(bytes);
  words[word.textLength] = bytes.length;
  Atomics.add(words, word.fault, 1);
}

let known = 0;
let fault: CallFault | null = null;

/** The one that holds now, as this thread knows it. */
function currentFault(): CallFault | null {
  const number = Atomics.load(words, word.fault);
  if (number === known) return fault;
  if (number % 2 !== 0) return null;
  const bytes = Buffer.from(text.subarray(0, words[word.textLength]));
  if (Atomics.load(words, word.fault) !== number) return null;
  fault = JSON.parse(String(bytes)) as CallFault | null;
  known = number;
  return fault;
}

/** Whether this one fails, for those who can make it fail in a way of their own. */
export function failsNow(name: string): CallFault | null {
  const now = currentFault();
  if (now === null) return null;
  Atomics.add(words, countOf(name), 1);
  if (now.call !== name || Atomics.add(words, word.skipped, 1) < (now.skip ?? 0)) return null;
  const before = Atomics.add(words, word.failed, 1);
  if (before < (now.times ?? Number.POSITIVE_INFINITY)) return now;
  Atomics.sub(words, word.failed, 1);
  return null;
}

const { syscallNumbers } = requireLinux();
const byNumber = new Map(Object.entries(syscallNumbers).map(([name, at]) => [Number(at), name]));

const lookup = foreignInterface.lookup.bind(foreignInterface);
const lookupAddress = foreignInterface.lookupAddress.bind(foreignInterface);
const errnoView = new Int32Array(foreignInterface.view(lookupAddress('__errno_location', 0)(), 4));

/** A part of it, as the kernel does when it has no room for more. */
export function shortOf(length: number): number {
  return Math.min(length, Math.max(1, length >> 3));
}

const { cq_entries: completionEntries } = ioUringLayouts.params.fields;
const fewestEntries = { submission: 4, completion: 8 };
const withLength: ReadonlySet<string> = new Set(['recvfrom', 'sendto']);

/**
 * The arguments of a call that is made after all, with less in it; null when it is to fail.
 * @param first where its own begin: syscall(2) has the number of the call in front of them.
 */
function lessOf(
  called: string,
  errno: string,
  args: readonly Word[],
  first: number,
): Word[] | null {
  if (errno === 'SHORT' && withLength.has(called)) {
    const length = args[first + 2] as Word;
    const short = shortOf(Number(length));
    return args.with(first + 2, typeof length === 'bigint' ? BigInt(short) : short);
  }
  if (errno !== 'TINY' || called !== 'io_uring_setup') return null;
  const parameters = new Int32Array(foreignInterface.view(args[first + 1] as never, 64));
  parameters[completionEntries.offset / 4] = fewestEntries.completion;
  const { submission } = fewestEntries;
  return args.with(first, typeof args[first] === 'bigint' ? BigInt(submission) : submission);
}

function failing<Result>(name: string, real: (...args: Word[]) => Result, refused: Result) {
  return (...args: Word[]): Result => {
    const called = name === 'syscall' ? (byNumber.get(Number(args[0])) ?? name) : name;
    const now = failsNow(called);
    if (now === null) return real(...args);
    const less = lessOf(called, now.errno, args, name === 'syscall' ? 1 : 0);
    if (less !== null) return real(...less);
    if (doneAllTheSame.has(called) || doneAllTheSame.has(`${called}:${now.errno}`)) real(...args);
    errnoView[0] = errnoNumber(now.errno) as number;
    return refused;
  };
}

foreignInterface.lookup = (name, count): Call => {
  const real = lookup(name, count);
  return names.has(name) || name === 'syscall' ? failing(name, real, -1) : real;
};

foreignInterface.lookupAddress = (name, count) => {
  const real = lookupAddress(name, count);
  if (!names.has(name)) return real;
  const refused: Word = typeof foreignInterface.nullAddress === 'bigint' ? 2n ** 64n - 1n : -1;
  return failing(name, real, refused);
};
