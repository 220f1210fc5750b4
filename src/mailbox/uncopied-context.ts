import { ErrInvalidReply } from '../base/errors.ts';
import { errorOf } from '../base/thrown.ts';

/** @param cause where this thread has it; otherwise the log of the server has. */
export function uncopied(cause?: unknown): ErrInvalidReply {
  const why = cause === undefined ? 'the log of the server says why' : errorOf(cause).message;
  return new ErrInvalidReply(
    'cannot copy the safe context from one thread to the other: it holds what postMessage does not ' +
      `take, such as a function, or is nested too deep (${why}); set plain data`,
    cause === undefined ? {} : { cause },
  );
}
