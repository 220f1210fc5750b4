/** What a soak is: a long run of one thing, in a process of its own, that throws when it is not right. */

/** What a process holds, as proc(5) tells it. */
export interface Held {
  readonly resident: number;
  readonly descriptors: number;
  readonly threads: number;
}

export interface SoakContext {
  /** A few seconds instead of minutes: the form that runs with the tests. */
  readonly small: boolean;
  /** Everything random comes from it, so that a failure can be repeated with `GNET_SEED`. */
  readonly seed: number;
  /** Whether a part of that name is to run; for soaks that take hours as a whole. */
  wants(called: string): boolean;
  /** A number that `--set name=number` may change. */
  setting(name: string, otherwise: number): number;
  /** How far it is, 0..1, what it does, and what the process that it looks at holds, if that is another. */
  progress(done: number, text: string, held?: Held): void;
  /** A measured fact, printed on a line of its own. */
  note(text: string): void;
}

export interface Soak {
  /** For `--only`. */
  readonly name: string;
  readonly title: string;
  /** @throws what went wrong. */
  run(context: SoakContext): Promise<void>;
}
