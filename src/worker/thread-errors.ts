/** What is said of threads that died: which one, what it ran, and the way out. */
import { ErrUnsupportedOp } from '../base/errors.ts';
import type { LoopThread } from './loop-thread.ts';

const wayOut =
  'what must happen once belongs behind isMainLoop there, but never serve itself; or give serve the ' +
  'URL of a handler module, which threads run in place of that file: always where it is not yours, as ' +
  'in a test runner';

/** The thread of a loop died before its server was open. */
export function diedWhileOpening(
  { index, entry }: LoopThread,
  joined: boolean,
  module: string | null,
  cause: Error,
): ErrUnsupportedOp {
  const thread = `cannot run loop ${index}: its thread ('gnet loop ${index}')`;
  if (module !== null) {
    return new ErrUnsupportedOp(
      `${thread} ended before it listened: ${cause.message}; it runs the handler module ${module}`,
      { cause },
    );
  }
  const when = joined
    ? 'ended before it listened'
    : 'ended before it came to the same call of serve';
  return new ErrUnsupportedOp(
    `${thread} ${when}: ${cause.message}; it runs ${entry} as the main thread does: ${wayOut}`,
    { cause },
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
