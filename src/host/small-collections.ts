/** Small collections of the garbage of this thread, which V8 makes for those who have its `gc`. */
import { environment } from '../base/environment.ts';

/** V8's own `gc`. So called, it collects the young generation of this thread before it returns. */
export type SmallCollection = (options: { readonly type: 'minor' }) => unknown;

/** `0` leaves all collections to V8. */
const variable = 'GNET_SMALL_COLLECTIONS';

/**
 * What collects the young generation of this thread. Null where that is not wanted, or impossible, or
 * impossible now: a later call may find it. The globals of the program stay as they are.
 */
export function findSmallCollection(): SmallCollection | null {
  if (environment[variable] === '0' || !isPlainNode()) return null;
  const given = ofV8((globalThis as { readonly gc?: unknown }).gc);
  if (given !== null) return given;
  try {
    return ofV8(inNewGlobals()) ?? exposed();
  } catch {
    return null;
  }
}

/**
 * Other runtimes have a `gc` that is not V8's, or none. Where V8's flags are frozen, which the programs
 * that embed it may do, a change of one ends the process.
 */
function isPlainNode(): boolean {
  const { bun, deno, electron, nw } = process.versions;
  const isOther = (bun ?? deno ?? electron ?? nw) !== undefined;
  return !isOther && !process.execArgv.some((option) => /^--freeze[-_]flags/.test(option));
}

/** A program's own function, or that of another engine, may know no small collections. */
function ofV8(gc: unknown): SmallCollection | null {
  if (typeof gc !== 'function') return null;
  const text = Function.prototype.toString.call(gc);
  // Other engines write it in several lines, and a bound function has no name there.
  return text === 'function gc() { [native code] }' ? (gc as SmallCollection) : null;
}

/** The function keeps these globals alive: some 200 KiB. */
function inNewGlobals(): unknown {
  const { runInNewContext } = process.getBuiltinModule('node:vm');
  // A debugger lists them by that name.
  return runInNewContext('globalThis.gc', {}, { contextName: 'gc for gnet' });
}

/**
 * V8 gives `gc` to the globals that are made while this flag is set. It is of the whole process: another
 * thread that does the same may take it away too early.
 */
function exposed(): SmallCollection | null {
  const { setFlagsFromString } = process.getBuiltinModule('node:v8');
  setFlagsFromString('--expose-gc');
  try {
    return ofV8(inNewGlobals());
  } finally {
    setFlagsFromString('--no-expose-gc');
  }
}
