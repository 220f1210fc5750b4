import type { Action } from './action.ts';
import type { Sendable } from './prepared.ts';

/** What an event may return: bytes, an action, both, or nothing. */
export type Reply =
  | Sendable
  | Action
  | readonly [Sendable | null | undefined, Action]
  | null
  | undefined
  | void;

/**
 * What `tick` may return: the next delay in ms (at least 1; nothing means 1,000), alone or with an
 * action.
 */
export type TickReply = number | readonly [number, Action] | null | undefined | void;
