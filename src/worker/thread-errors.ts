/** What is said of threads that died: which one, what it ran, and the way out. */
import { ErrUnsupportedOp, type GnetError, SyscallError } from '../base/errors.ts';
import type { LoopThread } from './loop-thread.ts';

const wayOut =
  'what must happen once belongs behind isMainLoop there, but never serve itself; or give serve the ' +
  'URL of a handler module, which threads run in place of that file: always where it is not yours, as ' +
  'in a test runner';

/**
 * With the code of a call that the system refused: whoever lacks memory must know it by that. What comes
 * from a thread that died is an error like others, with the fields of ours.
 */
function startError(message: string, cause: Error): GnetError {
  const { code, syscall, errno, docs } = cause as NodeJS.ErrnoException & { docs?: string };
  if (code === undefined || syscall === undefined || !docs?.endsWith(`#${code}`)) {
    return new ErrUnsupportedOp(message, { cause });
  }
  return new SyscallError(code, message, {
    syscall,
    ...(errno === undefined ? {} : { errno }),
    cause,
  });
}

/** The thread of a loop died before its server was open. */
export function diedWhileOpening(
  { index, entry }: LoopThread,
  joined: boolean,
  module: string | null,
  cause: Error,
): GnetError {
  const thread = `cannot run loop ${index}: its thread ('gnet loop ${index}')`;
  if (module !== null) {
    return startError(
      `${thread} ended before it listened: ${cause.message}; it runs the handler module ${module}`,
      cause,
    );
  }
  const when = joined
    ? 'ended before it listened'
    : 'ended before it came to the same call of serve';
  return startError(
    `${thread} ${when}: ${cause.message}; it runs ${entry} as the main thread does: ${wayOut}`,
    cause,
  );
}

/** Fields of the log line about a thread that died later. */
export function deathFields(
  { index, entry }: LoopThread,
  module: string | null,
  err: Error,
  connections: number,
): object {
  return { err, loop: index, thread: `gnet loop ${index}`, runs: module ?? entry, connections };
}

/** Fields of the warning about threads that are slow to come. */
export function slowFields(missing: readonly number[], entry: string): object {
  return { missing, runs: entry, hint: `every thread must come to this call: ${wayOut}` };
}
