/** Calls of functions that the program gave: what they throw, or reject with later, ends nothing. */
import { inspect } from 'node:util';
import { watch } from '../base/settled.ts';
import type { BackplaneHub } from './backplane.ts';

type OnError = (error: unknown) => void;

/** Once for the same in a row, as when a broker cannot be reached for long. */
function warner(): OnError {
  let last = '';
  return (error) => {
    const text = inspect(error);
    const [line = ''] = text.split('\n');
    if (line === last) return;
    last = line;
    process.emitWarning(`Topics: ${text}`);
  };
}

/** Never throws. Without an `onError`: a warning of the process. */
export function safeOnError(onError: OnError | undefined): OnError {
  const warn = warner();
  return onError === undefined ? warn : (error) => callProgram(() => onError(error), warn);
}

export function callProgram(call: () => unknown, failed: OnError): void {
  try {
    watch(call(), failed);
  } catch (error) {
    failed(error);
  }
}

/** Where errors of a backplane go: its own `onError`, or else that of the hub. */
export class BackplaneErrors {
  readonly #own: OnError | null;
  #hub: OnError = () => {};

  constructor(onError: ((error: Error) => void) | undefined) {
    this.#own = onError === undefined ? null : safeOnError(onError as OnError);
  }

  start(hub: BackplaneHub): void {
    this.#hub = hub.onError;
  }

  readonly tell = (error: Error): void => (this.#own ?? this.#hub)(error);
}
