/**
 * Makes system calls of the native drivers fail as a test wants it. Import it before anything of
 * `src/`: every file looks its calls up once, and that look-up is the seam. Nothing else knows of it,
 * and without it nothing is slower.
 */
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

/** How often each call was made since the last fault was set, and how many failed. */
export const made: Map<string, number> = new Map();
export let failed = 0;

let fault: CallFault | null = null;
let skipped = 0;
let left = 0;

/** From now on, until it is replaced or taken back with null. */
export function setCallFault(next: CallFault | null): void {
  fault = next;
  if (next === null) return;
  made.clear();
  skipped = 0;
  failed = 0;
  left = next.times ?? Number.POSITIVE_INFINITY;
}

/** Whether this one fails, for those who can make it fail in a way of their own. */
export function failsNow(name: string): CallFault | null {
  if (fault === null) return null;
  made.set(name, (made.get(name) ?? 0) + 1);
  if (fault.call !== name) return null;
  if (skipped++ < (fault.skip ?? 0) || left <= 0) return null;
  left--;
  failed++;
  return fault;
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
