import { ErrLoopsDied } from '../base/errors.ts';
import type { Bytes } from '../connection/conn.ts';
import type { ListOrder } from '../connection/connection-list.ts';
import type { ConnectionInfo } from '../connection/server-view.ts';
import type { DatagramOrder } from '../loop/datagram-order.ts';
import { unpackError } from './error-transfer.ts';
import type { FromThread, ToThread } from './messages.ts';
import type { RemoteLoop } from './remote-loop.ts';

/** What one loop made of an order. */
export type Taken = Pick<FromThread & { readonly type: 'taken' }, 'count' | 'error'>;

type Answer = FromThread & { readonly type: 'taken' | 'listed' };

type MembershipOrder = Exclude<DatagramOrder, { readonly kind: 'send' }>;

/** Orders that loops on other threads answer, by number. */
export class LoopOrders {
  /** How many were given. */
  count = 0;
  /** Groups that the first loop has joined. */
  readonly #memberships = new Map<string, MembershipOrder>();
  readonly #open = new Map<number, (answer: Answer) => void>();

  /** What the loop made of it; null when it died or closed, and answers no more. */
  give(loop: RemoteLoop, order: (request: number) => ToThread): Promise<Taken | null> {
    return this.#ask(loop, order) as Promise<Taken | null>;
  }

  #ask(loop: RemoteLoop, order: (request: number) => ToThread): Promise<Answer | null> {
    this.count++;
    const request = this.count;
    const answered = new Promise<Answer>((resolve) => this.#open.set(request, resolve));
    loop.post(order(request));
    const none = loop.over.then(() => null);
    return Promise.race([answered, none]).finally(() => this.#open.delete(request));
  }

  /** Resolves with the number of connections that took them. @throws what a codec says. */
  async broadcast(loops: readonly RemoteLoop[], server: number, data: Bytes): Promise<number> {
    const running = loops.filter((loop) => loop.isRunning);
    const order = (request: number): ToThread => ({ type: 'broadcast', server, request, data });
    const outcomes = await Promise.all(running.map((loop) => this.give(loop, order)));
    const refused = outcomes.find((taken) => taken !== null && taken.error !== null);
    if (refused?.error) throw unpackError(refused.error);
    return outcomes.reduce((sum, taken) => sum + (taken?.count ?? 0), 0);
  }

  async lists(
    loops: readonly RemoteLoop[],
    server: number,
    order: ListOrder,
  ): Promise<readonly ConnectionInfo[][]> {
    const running = loops.filter((loop) => loop.isRunning);
    const ask = (request: number): ToThread => ({ type: 'list', server, request, order });
    const answers = await Promise.all(running.map((loop) => this.#ask(loop, ask)));
    return answers.map((answer) => (answer?.type === 'listed' ? answer.connections : []));
  }

  /** One of the loops that run does it. @throws what it says; ErrLoopsDied. */
  async datagrams(
    loops: readonly RemoteLoop[],
    server: number,
    order: DatagramOrder,
  ): Promise<void> {
    const running = loops.filter((loop) => loop.isRunning);
    const isSend = order.kind === 'send';
    const loop = isSend ? running[this.count % Math.max(1, running.length)] : loops[0];
    if (!loop?.isRunning) throw noLoopRuns();
    const done = await this.give(loop, (request) => {
      return { type: 'datagrams', server, request, order };
    });
    if (done === null) throw noLoopRuns();
    if (done.error !== null) throw unpackError(done.error);
    if (order.kind !== 'send') this.#remember(order);
  }

  #remember(order: MembershipOrder): void {
    const key = JSON.stringify(order.membership);
    if (order.kind === 'join') this.#memberships.set(key, order);
    else this.#memberships.delete(key);
  }

  /** A loop runs, which may be the successor of one that had joined groups. */
  async loopRuns(loop: RemoteLoop, server: number): Promise<void> {
    if (loop.index !== 0) return;
    for (const order of this.#memberships.values()) {
      await this.give(loop, (request) => ({ type: 'datagrams', server, request, order }));
    }
  }

  done(answer: Answer): void {
    this.#open.get(answer.request)?.(answer);
  }
}

function noLoopRuns(): ErrLoopsDied {
  return new ErrLoopsDied(
    'cannot send a datagram: no loop of the server runs that could; try again when one is back',
  );
}
