/** What the two threads of `latecomer.ts` agree upon. */
export const rounds = 20;

export const step = { begins: 0, subscribed: 1 } as const;

/** What is published when the other thread has subscribed. */
export const wanted = 'to the one that has just subscribed';

export interface Shared {
  readonly words: SharedArrayBuffer;
  /** After how many milliseconds a message has been missed. */
  readonly missedMs: number;
}
