/**
 * Makes operations of io_uring end with an errno, as the kernel ends what it cannot do: a no-op takes
 * their place, so that they are submitted and complete in their turn. After `failing-calls.ts`.
 */
import {
  CompletionQueue,
  completionWords,
  flagsWord,
  generationWord,
  resultWord,
  tagWord,
} from '../src/driver/io-uring/completion-queue.ts';
import { ignoredTag, kind, kindShift } from '../src/driver/io-uring/completion-tags.ts';
import { Ring } from '../src/driver/io-uring/ring.ts';
import { SubmissionQueue } from '../src/driver/io-uring/submission-queue.ts';
import { errnoNumber } from '../src/platform/index.ts';
import { failsNow, shortOf } from './failing-calls.ts';

/** `io_uring:accept`, `io_uring:receive`, ... in faults. */
const nameOf = new Map(Object.entries(kind).map(([name, value]) => [value, `io_uring:${name}`]));
const noOperation = 0;

/** What each no-op of a ring ends with, by its user data. */
const ends = new WeakMap<CompletionQueue, Map<string, number>>();
/** Queues whose entry begun last is a no-op. */
const replaced = new WeakSet<SubmissionQueue>();
/** Queues whose entry begun last does less than it was to. */
const shortened = new WeakSet<SubmissionQueue>();
/** The ring that begins an operation right now. */
let ring: Ring | null = null;

const beginIn = Ring.prototype.begin;
Ring.prototype.begin = function (operation, descriptor, tag, generation) {
  ring = this;
  return beginIn.call(this, operation, descriptor, tag, generation);
};

const { prototype } = SubmissionQueue;
const { begin } = prototype;
prototype.begin = function (operation, descriptor, tag, generation) {
  replaced.delete(this);
  shortened.delete(this);
  const name = nameOf.get((tag >>> kindShift) as (typeof kind)['receive']);
  const now = tag === ignoredTag || name === undefined ? null : failsNow(name);
  const of = ring?.completions;
  if (now?.errno === 'SHORT') shortened.add(this);
  if (now === null || of === undefined || now.errno === 'SHORT') {
    return begin.call(this, operation, descriptor, tag, generation);
  }
  replaced.add(this);
  const own = ends.get(of) ?? new Map<string, number>();
  ends.set(of, own.set(`${tag} ${generation}`, -(errnoNumber(now.errno) as number)));
  begin.call(this, noOperation, -1, tag, generation);
};

const setters = [
  'setAddress',
  'setSecondAddress',
  'setLength',
  'setFlags',
  'setReceiveLimit',
] as const;
const lengths: ReadonlySet<string> = new Set(['setLength', 'setReceiveLimit']);
for (const name of setters) {
  const set = prototype[name] as (...args: number[]) => void;
  prototype[name] = function (this: SubmissionQueue, ...args: number[]): void {
    if (replaced.has(this)) return;
    const isLess = shortened.has(this) && lengths.has(name);
    set.apply(this, isLess ? [shortOf(args[0] as number)] : args);
  };
}

const { fill } = CompletionQueue.prototype;
CompletionQueue.prototype.fill = function (max) {
  const before = this.count;
  fill.call(this, max);
  const own = ends.get(this);
  if (own === undefined || own.size === 0) return;
  const { list } = this;
  const end = this.count * completionWords;
  for (let at = before * completionWords; at < end; at += completionWords) {
    const key = `${list[at + tagWord]} ${list[at + generationWord]}`;
    const errno = own.get(key);
    // A no-op ends with 0 and without flags.
    if (errno === undefined || list[at + resultWord] !== 0 || list[at + flagsWord] !== 0) continue;
    list[at + resultWord] = errno;
    own.delete(key);
  }
};
