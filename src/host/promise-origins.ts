/** Where the last promise of a call was made: with an `async` function, the `await` that it waits at. */
import { createHook } from 'node:async_hooks';
import { captureOrigin, type Origin } from '../base/origin.ts';

/** A runtime that calls no hooks shows no origins. */
export class PromiseOrigins {
  #last: Origin | undefined;
  #depth = 0;
  readonly #hook = createHook({
    init: (_id, type) => {
      if (type === 'PROMISE') this.#last = captureOrigin();
    },
  });

  /** A call begins, perhaps inside another one; `end` takes what this returns. */
  begin(): Origin | undefined {
    const before = this.#last;
    this.#last = undefined;
    if (this.#depth++ === 0) this.#hook.enable();
    return before;
  }

  /** Of the call that `begin` was for. */
  end(before: Origin | undefined): Origin | undefined {
    if (--this.#depth === 0) this.#hook.disable();
    const origin = this.#last;
    this.#last = before;
    return origin;
  }
}
