/** What is done to the time of a server, and what may come of it: data. */

/** Of every connection that is idle; ms. */
export const idleMs = 600;
/** Of its `stop`; ms. A stopped process is stopped for longer meanwhile. */
export const stopMs = 1_000;

export interface Disturbance {
  readonly name: string;
  readonly kind:
    | 'stopped' // SIGSTOP and SIGCONT
    | 'blocked' // its handler keeps the thread
    | 'clock' // the time of day is another one
    | 'suspended'; // stopped, and the steady clock goes on meanwhile
  /** So often. */
  readonly times: number;
  /** How long it is stopped or blocked; between these two, at random. */
  readonly ms: readonly [number, number];
  /** Seconds that the clocks are away from the right time, one after another. */
  readonly steps?: readonly number[];
}

const day = 86_400;

/**
 * In each of them: who asks all the while gets every byte back and is not closed, though it is stopped
 * for longer than `idleTimeout`; who is silent is closed with ErrTimeout, and nobody else; `tick` and
 * timers of connections go on afterwards, and are not made up for; `stop` ends, and forces nobody.
 */
export const disturbances: readonly Disturbance[] = [
  { name: 'stopped again and again', kind: 'stopped', times: 30, ms: [1, 60] },
  { name: 'stopped for longer than a limit', kind: 'stopped', times: 2, ms: [1_200, 1_500] },
  { name: 'blocked again and again', kind: 'blocked', times: 30, ms: [1, 60] },
  { name: 'blocked for longer than a limit', kind: 'blocked', times: 2, ms: [1_200, 1_500] },
  { name: 'an hour to and fro', kind: 'clock', times: 8, ms: [50, 120], steps: [3_600, -3_600] },
  {
    name: '1970, 2106, a day ago, now',
    kind: 'clock',
    times: 4,
    ms: [200, 300],
    steps: [-20_000 * day, 29_000 * day, -day, 0],
  },
  {
    name: 'suspended for an hour, twice',
    kind: 'suspended',
    times: 2,
    ms: [200, 300],
    steps: [3_600, 7_200],
  },
];

/** `often`: the next comes at once; `second`: in a second; `never`: not in our time. */
export type TickPace = 'often' | 'second' | 'never';

export const tickDelays: readonly (readonly [delay: unknown, TickPace])[] = [
  [0, 'often'],
  [-1, 'often'],
  [0.5, 'often'],
  [Number.MIN_VALUE, 'often'],
  [-(2 ** 53), 'often'],
  [5, 'often'],
  [undefined, 'second'],
  [null, 'second'],
  [Number.NaN, 'second'],
  [Number.POSITIVE_INFINITY, 'second'],
  ['5', 'second'],
  [5n, 'second'],
  [2 ** 31 - 1, 'never'],
  [2 ** 31, 'never'],
  [2 ** 31 + 5, 'never'],
  [2 ** 32, 'never'],
  [2 ** 32 + 5, 'never'],
  [2 ** 53 - 1, 'never'],
  [2 ** 53, 'never'],
  [Number.MAX_VALUE, 'never'],
];

/** Of `c.setTimer` and `loop.schedule`. */
export const timerDelays: readonly (readonly [
  ms: unknown,
  'fires' | 'waits' | 'ErrInvalidOption',
])[] = [
  [1, 'fires'],
  [5, 'fires'],
  [2 ** 31 - 1, 'waits'],
  [0, 'ErrInvalidOption'],
  [-1, 'ErrInvalidOption'],
  [0.5, 'ErrInvalidOption'],
  [Number.NaN, 'ErrInvalidOption'],
  [2 ** 31, 'ErrInvalidOption'],
  [2 ** 53, 'ErrInvalidOption'],
  [Number.POSITIVE_INFINITY, 'ErrInvalidOption'],
  ['5', 'ErrInvalidOption'],
];
