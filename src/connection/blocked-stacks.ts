/** Stacks of calls that block their loop: one helper for all loops of this thread. */
import { framesMax, StackSampler } from '../host/stack-sampler.ts';
import type { Logger } from '../logging/logger.ts';

let sampler: StackSampler | null = null;
let isUnavailable = false;

/** Null where the runtime cannot; that is said once. */
export function useStacks(limitMs: number, logger: Logger): StackSampler | null {
  if (isUnavailable) return null;
  const unavailable = (reason: string): void => {
    if (isUnavailable) return;
    isUnavailable = true;
    const message = 'slowHandler shows no stacks: a thread cannot look at another one here';
    logger.warn(message, { reason });
  };
  try {
    sampler ??= new StackSampler(unavailable);
  } catch (error) {
    unavailable((error as Error).message);
    return null;
  }
  sampler.use(limitMs);
  return sampler;
}

export function releaseStacks(used: StackSampler): void {
  if (used.release() && used === sampler) sampler = null;
}

const linesMax = 20;
const linesAtEnd = 9;

/**
 * The frames of the program: without those of looking at it, and without those below the call of the
 * handler, which `callTimed` makes. Undefined if there are none.
 */
export function framesOfProgram(stack: string): string | undefined {
  const frames = stack.split('\n').filter((line) => /^\s+at /.test(line));
  const evaluated = frames.findIndex((line) => /at (?:eval \()?<anonymous>:1:\d+\)?$/.test(line));
  const end = frames.findIndex((line) => /\bcallTimed\d* /.test(line));
  // The call was over, or had not begun: this is gnet itself.
  if (end === -1 && frames.length < framesMax) return undefined;
  const own = frames.slice(evaluated + 1, end === -1 ? undefined : end).map((line) => line.trim());
  if (own.length === 0) return undefined;
  if (own.length <= linesMax) return own.join('\n');
  const left = own.length - linesMax + 1;
  const cut = [
    ...own.slice(0, linesMax - linesAtEnd - 1),
    `... ${left} more`,
    ...own.slice(-linesAtEnd),
  ];
  return cut.join('\n');
}
