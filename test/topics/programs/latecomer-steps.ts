/** What the two threads of `latecomer.ts` agree upon. */
export const rounds = 20;

export const step = { alone: 0, subscribed: 1 } as const;

export interface Shared {
  readonly words: SharedArrayBuffer;
  /** After how many milliseconds a message has been missed. */
  readonly missed: number;
}
