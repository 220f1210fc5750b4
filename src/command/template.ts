/** A server that `gnet new` writes. */
export interface Template {
  /** What the program does, in a sentence. */
  readonly what: string;
  readonly ports: readonly number[];
  /** How to try it, as a command. */
  readonly attempt: string;
  readonly files: Readonly<Record<'main.ts' | 'handler.ts' | 'handler.test.ts', string>>;
}
