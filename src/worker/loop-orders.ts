import { ErrLoopsDied } from '../base/errors.ts';
import type { DatagramOrder } from '../loop/datagram-order.ts';
import { unpackError } from './error-transfer.ts';
import type { FromThread, ToThread } from './messages.ts';
import type { RemoteLoop } from './remote-loop.ts';

/** What one loop made of an order. */
export type Taken = Pick<FromThread & { readonly type: 'taken' }, 'count' | 'error'>;

/** Orders that loops on other threads answer, by number. */
export class LoopOrders {
  /** How many were given. */
  count = 0;
  readonly #open = new Map<number, (taken: Taken) => void>();

  /** What the loop made of it; null when it died or closed, and answers no more. */
  give(loop: RemoteLoop, order: (request: number) => ToThread): Promise<Taken | null> {
    this.count++;
    const request = this.count;
    const answered = new Promise<Taken>((resolve) => this.#open.set(request, resolve));
    loop.post(order(request));
    const none = loop.over.then(() => null);
    return Promise.race([answered, none]).finally(() => this.#open.delete(request));
  }

  /** One of the loops that run does it. @throws what it says; ErrLoopsDied. */
  async datagrams(
    loops: readonly RemoteLoop[],
    server: number,
    order: DatagramOrder,
  ): Promise<void> {
    const running = loops.filter((loop) => loop.isRunning);
    const loop = running[this.count % Math.max(1, running.length)];
    if (loop === undefined) throw noLoopRuns();
    const done = await this.give(loop, (request) => {
      return { type: 'datagrams', server, request, order };
    });
    if (done === null) throw noLoopRuns();
    if (done.error !== null) throw unpackError(done.error);
  }

  done(taken: Taken & { readonly request: number }): void {
    this.#open.get(taken.request)?.(taken);
  }
}

function noLoopRuns(): ErrLoopsDied {
  return new ErrLoopsDied(
    'cannot send a datagram: no loop of the server runs that could; try again when one is back',
  );
}
