/** Small collections of the garbage of this thread, which V8 makes for those who have its `gc`. */
import { readFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { environment } from '../base/environment.ts';

/** V8's own `gc`. So called, it collects the young generation of this thread before it returns. */
export type SmallCollection = (options: { readonly type: 'minor' }) => unknown;

/** How the option of V8 begins. */
const freezes = '--freeze-flags';
const variable = 'GNET_SMALL_COLLECTIONS';
/** Of the variable: all collections are V8's. */
const off: ReadonlySet<string> = new Set(['0', 'false', 'off', 'no']);

/**
 * What collects the young generation of this thread. Null where that is not wanted, or impossible, or
 * impossible now: a later call may find it. The globals of the program stay as they are.
 */
export function findSmallCollection(): SmallCollection | null {
  try {
    if (off.has(environment[variable] ?? '') || !isPlainNode()) return null;
    return ofV8((globalThis as { readonly gc?: unknown }).gc) ?? fromNewGlobals();
  } catch {
    return null;
  }
}

/** Bytes of the young generation of this thread: behind a small collection, those that are alive. */
export function youngBytes(): number {
  const spaces = process.getBuiltinModule('node:v8').getHeapSpaceStatistics();
  return spaces.find((space) => space.space_name === 'new_space')?.space_used_size ?? 0;
}

/** Other runtimes have a `gc` that is not V8's, or none, and those that embed Node may freeze V8's flags. */
function isPlainNode(): boolean {
  const { bun, deno, electron, nw } = process.versions;
  const isOther = (bun ?? deno ?? electron ?? nw) !== undefined;
  return !isOther && !flagsMayBeFrozen();
}

/** A change of a frozen flag ends the process. The options of a thread need not be those of the process. */
function flagsMayBeFrozen(): boolean {
  const options = [...process.execArgv, ...(commandLine() ?? (isMainThread ? [] : [freezes]))];
  return options.some((option) => option.replaceAll('_', '-').startsWith(freezes));
}

/** Null on systems that do not tell. */
function commandLine(): readonly string[] | null {
  try {
    return readFileSync('/proc/self/cmdline', 'utf8').split('\0');
  } catch {
    return null;
  }
}

/** A program's own function, or that of another engine, may know no small collections. */
function ofV8(gc: unknown): SmallCollection | null {
  if (typeof gc !== 'function') return null;
  const text = Function.prototype.toString.call(gc);
  // Other engines write it in several lines, and a bound function has no name there.
  return text === 'function gc() { [native code] }' ? (gc as SmallCollection) : null;
}

/**
 * V8 gives `gc` to the globals that are made while a flag is set. The flag is of the whole process: if it
 * was set before, it stays so. Another thread that does the same may take it away too early. The
 * function keeps the new globals alive, some 200 KiB.
 */
function fromNewGlobals(): SmallCollection | null {
  const { cachedDataVersionTag, setFlagsFromString } = process.getBuiltinModule('node:v8');
  const { runInNewContext } = process.getBuiltinModule('node:vm');
  // It stands for all flags, too.
  const tag = cachedDataVersionTag();
  setFlagsFromString('--expose-gc');
  const wasSet = cachedDataVersionTag() === tag;
  try {
    // A debugger lists the globals by that name.
    return ofV8(runInNewContext('globalThis.gc', {}, { contextName: 'gc for gnet' }));
  } finally {
    if (!wasSet) setFlagsFromString('--no-expose-gc');
  }
}
